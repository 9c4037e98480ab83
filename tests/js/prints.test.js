import assert from "node:assert/strict";
import { test } from "node:test";

import { KEPT, Prints, newest } from "../../static/js/tape/prints.js";
import { printTime } from "../../static/js/tape/row.js";
import { prints } from "./fakes.js";

const at = (second) => `17738406${String(second).padStart(2, "0")}028999999`;
const A = [at(1), 100, 2, "B"];
const B = [at(2), 101, 5, "A"];
const C = [at(3), 99, 1, "N"];

const sizes = (rows) => rows.map(({ s, gap }) => s ?? `${gap} more`);

test("prints follow each other in one object until the server starts anew", () => {
  const first = Prints.after(null, prints([A], { reset: true }));
  assert.equal(Prints.after(first, prints([B, C])), first);
  assert.deepEqual(sizes(first.rows), [2, 5, 1]);
  const second = Prints.after(first, prints([C], { reset: true }));
  assert.notEqual(second, first);
  assert.deepEqual(sizes(second.rows), [1]);
});

test("no prints are null, whatever there was", () => {
  assert.equal(Prints.after(Prints.after(null, prints([A])), null), null);
});

test("prints in another unit begin anew: their prices cannot stand in one list", () => {
  const first = Prints.after(null, prints([A]));
  const second = Prints.after(first, prints([B], { unit: 1 }));
  assert.deepEqual([second.unit, sizes(second.rows)], [1, [5]]);
});

test("what was left out stands between the prints and counts", () => {
  const known = Prints.after(Prints.after(null, prints([A])), prints([B, C], { left_out: 310 }));
  assert.deepEqual(sizes(known.rows), [2, "310 more", 5, 1]);
  assert.equal(known.total, 313);
});

test("the newest come first, after those that were scrolled over", () => {
  const { rows } = Prints.after(null, prints([A, B, C]));
  assert.deepEqual(sizes(newest(rows, { count: 2 })), [1, 5]);
  assert.deepEqual(sizes(newest(rows, { count: 2, skip: 1 })), [5, 2]);
  assert.deepEqual(newest(rows, { count: 2, skip: 3 }), []);
});

test("a size filter leaves smaller prints and gaps out", () => {
  const { rows } = Prints.after(Prints.after(null, prints([A])), prints([B, C], { left_out: 4 }));
  assert.deepEqual(sizes(newest(rows, { count: 9, atLeast: 2 })), [5, 2]);
  assert.deepEqual(sizes(newest(rows, { count: 9, atLeast: 2, skip: 1 })), [2]);
});

test("a big print is ten times the average of those kept, once there are enough", () => {
  const few = Prints.after(null, prints(Array.from({ length: 19 }, () => A)));
  assert.equal(few.big, Infinity);
  assert.equal(Prints.after(few, prints([A])).big, 20);
});

test("the oldest are forgotten, and the average with them", () => {
  const many = Prints.after(null, prints(Array.from({ length: KEPT }, () => [at(1), 100, 50, "B"])));
  for (let i = 0; i < 3; i++) Prints.after(many, prints(Array.from({ length: KEPT }, () => C)));
  assert.ok(many.rows.length <= 2 * KEPT);
  assert.equal(many.total, 4 * KEPT);
  assert.equal(many.big, 10);
});

test("the time of a print is ET to the millisecond, cut and not rounded", () => {
  assert.equal(printTime("1773840602028999999"), "09:30:02.028");
});
