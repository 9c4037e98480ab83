import assert from "node:assert/strict";
import { test } from "node:test";

import { rollCount, rollDetails, rollText, shownPrices } from "../../static/js/chart/rolls.js";
import { heightAround, labelsWithRoom } from "../../static/js/chart/roll_labels.js";
import { PriceFormat } from "../../static/js/ui/price.js";
import { roll } from "./fakes.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2 });

test("a roll is told with its contracts and spread", () => {
  assert.equal(rollText(roll(), NQ), "roll NQH6→NQM6 +178.25");
  assert.equal(rollText(roll({ spread: -250_000_000 }), NQ), "roll NQH6→NQM6 −0.25");
});

test("an incomplete roll has no spread and says what that means", () => {
  const mark = roll({ complete: false, spread: null });
  assert.equal(rollText(mark, NQ), "roll NQH6→NQM6");
  assert.match(rollDetails(mark, NQ).join("\n"), /difference of the two contracts is not known/);
});

test("volumes of the deciding day are told only once that day is over", () => {
  assert.match(rollDetails(roll(), NQ).join("\n"), /told once their day is over\./);
  const known = rollDetails(roll({ from_volume: 98_431, to_volume: 143_220 }), NQ).join("\n");
  assert.match(known, /NQH6 98\u202f431 · NQM6 143\u202f220/);
});

test("a change of contract in imported files has no volumes that decided it", () => {
  const lines = rollDetails(roll({ kind: "files", complete: false, spread: null }), NQ).join("\n");
  assert.match(lines, /Rolled because the files that were imported go on with this contract\./);
  assert.doesNotMatch(lines, /olume/);
});

test("rolls are counted in words", () => {
  assert.deepEqual([[], [1], [1, 2]].map(rollCount), ["no roll", "1 roll", "2 rolls"]);
});

test("a label that would stand over a newer one or over the pane's edge is left out", () => {
  const labels = [20, 200, 250, 400, 590].map((x) => ({ x, width: 100 }));
  assert.deepEqual(labelsWithRoom(labels, 600).map(({ x }) => x), [250, 400]);
  assert.deepEqual(labelsWithRoom([], 600), []);
});

test("a label stands above every bar that it reaches across", () => {
  const bars = { h: [9, 5, 6, 8, 30] };
  assert.equal(heightAround(bars, 2, 0.5), 8);
  assert.equal(heightAround(bars, 2, 1.5), 30);
  assert.equal(heightAround(bars, 0, 1), 9);
});

test("the chart says in whose prices another contract is shown, and not where a spread is missing", () => {
  const next = roll({ from: "NQM6", to: "NQU6" });
  assert.equal(shownPrices([roll()], "NQM6", "NQM6"), null);
  assert.equal(shownPrices([], null, "NQM6"), null);
  assert.equal(shownPrices([], "NQM6", undefined), null);
  assert.equal(shownPrices([roll({ complete: false }), next], "NQM6", "NQU6").text, "shown in NQM6 prices");
  assert.equal(shownPrices([roll(), { ...next, complete: false }], "NQM6", "NQU6").text, "prices jump at the roll");
  assert.equal(shownPrices([], "NQM6", "NQH6").text, "shown in NQM6 prices");
});
