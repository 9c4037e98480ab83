import assert from "node:assert/strict";
import { test } from "node:test";

import { rollCount, rollDetails, rollText } from "../../static/js/chart/rolls.js";
import { replayText } from "../../static/js/replay/status.js";
import { PriceFormat } from "../../static/js/ui/price.js";
import { clock, roll, session } from "./fakes.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2 });

test("a roll is told with its contracts and spread", () => {
  assert.equal(rollText(roll(), NQ), "roll NQH6→NQM6 +178.25");
  assert.equal(rollText(roll({ spread: -250_000_000 }), NQ), "roll NQH6→NQM6 −0.25");
});

test("an incomplete roll has no spread and says what that means", () => {
  const mark = roll({ complete: false, spread: null });
  assert.equal(rollText(mark, NQ), "roll NQH6→NQM6");
  assert.match(rollDetails(mark, NQ).join("\n"), /spread is not known/);
});

test("volumes of the deciding day are told only once that day is over", () => {
  assert.match(rollDetails(roll(), NQ).join("\n"), /Volumes after the day's close\./);
  const known = rollDetails(roll({ from_volume: 98_431, to_volume: 143_220 }), NQ).join("\n");
  assert.match(known, /NQH6 98\u202f431 · NQM6 143\u202f220/);
});

test("rolls are counted in words", () => {
  assert.deepEqual([[], [1], [1, 2]].map(rollCount), ["no roll", "1 roll", "2 rolls"]);
});

test("the status line tells what the replay does", () => {
  assert.equal(replayText(undefined, undefined), "");
  assert.equal(replayText(session({ state: "loading" }), undefined), "loading market data");
  assert.equal(replayText(session({ state: "failed" }), undefined), "loading failed");
  assert.equal(replayText(session(), clock()), "paused");
  assert.equal(replayText(session(), clock({ playing: true, speed: 20 })), "playing at 20×");
  assert.equal(replayText(session(), clock({ playing: true, speed: "max" })), "playing as fast as it can");
  assert.equal(replayText(session(), clock({ at_end: true })), "at the end of the data");
});
