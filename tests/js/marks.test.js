import assert from "node:assert/strict";
import { test } from "node:test";

import { flawDetails, flawsOf, markId, rollsOf } from "../../static/js/chart/marks.js";
import { mergeMarks } from "../../static/js/net/feed.js";
import { checkMessage, ProtocolError } from "../../static/js/net/protocol.js";
import { chart, frame, roll } from "./fakes.js";

const flaw = (changes = {}) => ({
  t: 1773784800,
  at_ns: "1773784800000000000",
  kind: "degraded",
  days: { "2026-03-18": "degraded" },
  ...changes,
});

test("rolls and flaws are told apart", () => {
  const marks = [roll(), flaw()];
  assert.deepEqual(rollsOf(marks), [roll()]);
  assert.deepEqual(flawsOf(marks), [flaw()]);
});

test("a roll and a flaw at the same opening both stay", () => {
  assert.notEqual(markId(roll()), markId(flaw()));
  assert.equal(mergeMarks([roll()], [flaw()]).length, 2);
  assert.equal(mergeMarks([roll(), flaw()], [flaw()]).length, 2);
});

test("a flaw is told with its days and who says so", () => {
  const lines = flawDetails(flaw({ days: { "2026-03-17": "missing", "2026-03-18": "degraded" } }), "Databento");
  assert.equal(lines[0], "Databento calls the data of Tue 17 Mar 2026 missing");
  assert.equal(lines[1], "Databento calls the data of Wed 18 Mar 2026 degraded");
  assert.equal(lines.length, 3);
});

test("a flaw without its days does not keep to the protocol", () => {
  const message = (mark) => ({ ...frame(1, [{ ...chart("c", []), marks: [mark] }]) });
  checkMessage(message(flaw()));
  assert.throws(() => checkMessage(message(flaw({ days: undefined }))), ProtocolError);
});
