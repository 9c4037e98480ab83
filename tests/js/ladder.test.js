import assert from "node:assert/strict";
import { test } from "node:test";

import { sizesOf } from "../../static/js/ladder/market.js";
import { Volumes, toTicks } from "../../static/js/ladder/volumes.js";
import { PriceWindow } from "../../static/js/ladder/window.js";
import { book, volumes } from "./fakes.js";

const TICK = 250_000_000;

function windowOf(rows, price) {
  const window = new PriceWindow();
  window.resize(rows);
  window.follow(price);
  return window;
}

test("volumes add up until the server starts anew", () => {
  const first = Volumes.after(null, volumes([[100, 3], [101, 5]]));
  assert.equal(Volumes.after(first, volumes([[100, 4]])), first);
  assert.deepEqual([first.at(100), first.at(101), first.at(99), first.most, first.last], [7, 5, 0, 7, 100]);
  const second = Volumes.after(first, volumes([[101, 1]], { reset: true }));
  assert.deepEqual([second.at(100), second.most, second.last], [0, 1, 101]);
  assert.equal(Volumes.after(second, null), null);
});

test("before the first print there is no last price", () => {
  assert.equal(Volumes.after(null, volumes([])).last, null);
});

test("prices off the tick grid count for the tick below", () => {
  assert.equal(toTicks(80_743, TICK, TICK), 80_743);
  assert.equal(toTicks(20_185_900_000_000, 1, TICK), 80_743);
  const odd = book([[20_185_750_000_000, 2, 1]], [[20_186_100_000_000, 3, 1]], { unit: 1 });
  assert.deepEqual([...sizesOf(odd, TICK).bids, ...sizesOf(odd, TICK).asks], [[80_743, 2], [80_744, 3]]);
});

test("a book's sizes are found by price, and none where there is no book", () => {
  const { bids, asks, most } = sizesOf(book([[100, 7, 2], [99, 12, 3]], [[101, 4, 1]]), TICK);
  assert.deepEqual([bids.get(99), asks.get(101), bids.get(101), most], [12, 4, undefined, 12]);
  assert.equal(sizesOf(null, TICK).bids.size, 0);
});

test("the first price is put in the middle", () => {
  const window = windowOf(41, 1000);
  assert.equal(window.rowOf(1000), 20);
});

test("an auto-centred window stays while the price is near, and follows where it gets away", () => {
  const window = windowOf(40, 1000);
  window.follow(1010);
  assert.equal(window.rowOf(1000), 20);
  window.follow(1011);
  assert.equal(window.rowOf(1011), 20);
});

test("one that was scrolled stays where it is, however far the price goes, until it is centred", () => {
  const window = windowOf(40, 1000);
  window.scroll(-3);
  window.follow(5000);
  assert.deepEqual([window.follows, window.rowOf(1000)], [false, 23]);
  window.centre(5000);
  assert.equal(window.rowOf(5000), 20);
});

test("another height keeps the middle in the middle", () => {
  const window = windowOf(40, 1000);
  window.resize(20);
  assert.equal(window.rowOf(1000), 10);
});

test("without a price there is nothing to show, and nothing to scroll", () => {
  const window = windowOf(40, null);
  window.scroll(5);
  assert.deepEqual([window.top, window.follows], [null, true]);
});
