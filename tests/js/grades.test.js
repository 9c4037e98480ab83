import assert from "node:assert/strict";
import { test } from "node:test";

import { ProtocolError, checkMessage } from "../../static/js/net/protocol.js";
import { gradeOf } from "../../static/js/workspace/grades.js";
import { clock, frame } from "./fakes.js";

test("the grade is that of the session at the playhead", () => {
  assert.equal(gradeOf(clock({ grade: "bars" })).text, "grade: bars");
  assert.equal(gradeOf(clock({ grade: "book" })).text, "grade: book");
  assert.match(gradeOf(clock({ grade: "trades" })).title, /every single trade, without the order book/);
});

test("without a tape there is no grade", () => {
  assert.equal(gradeOf(clock({ grade: null })).text, "");
  assert.equal(gradeOf(undefined).text, "");
});

test("a grade that nobody knows is refused at the door", () => {
  assert.throws(() => checkMessage(frame(1, [], { grade: "gold" })), ProtocolError);
});
