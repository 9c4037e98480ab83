import assert from "node:assert/strict";
import { test } from "node:test";

import { montageOf } from "../../static/js/montage/levels.js";
import { book } from "./fakes.js";

test("levels have their share of the largest size of both sides, and sides their totals", () => {
  const { bids, asks, totals, spread } = montageOf(book([[100, 5, 2], [99, 20, 4]], [[102, 10, 3]]));
  assert.deepEqual(bids, [
    { price: 100, size: 5, orders: 2, share: 0.25, own: 0 },
    { price: 99, size: 20, orders: 4, share: 1, own: 0 },
  ]);
  assert.equal(asks[0].share, 0.5);
  assert.deepEqual(totals, { bids: { size: 25, orders: 6 }, asks: { size: 10, orders: 3 } });
  assert.equal(spread, 2);
});

test("an empty or one-sided book has no spread", () => {
  assert.equal(montageOf(book([], [])).spread, null);
  const { bids, asks, spread, totals } = montageOf(book([[100, 5, 2]], []));
  assert.deepEqual([bids.length, asks.length, spread, totals.asks.size], [1, 0, null, 0]);
});
