import assert from "node:assert/strict";
import { test } from "node:test";

import { flagsText, listFills } from "../../static/js/history/listing.js";
import { Feed } from "../../static/js/net/feed.js";
import { checkMessage } from "../../static/js/net/protocol.js";
import { countWorking, listOrders } from "../../static/js/orders/listing.js";
import { doesText, queueText, sideWords, stateText, storyOf, wishText } from "../../static/js/orders/words.js";
import { sideText } from "../../static/js/positions/row.js";
import { PriceFormat } from "../../static/js/ui/price.js";
import { Store } from "../../static/js/workspace/store.js";
import { bars, chart, frame, snapshot } from "./fakes.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2 });

const order = (number, changes = {}) => ({ number, id: `o${number}`, side: "buy", quantity: 2, filled: 0, type: "limit", limit: 80_737, stop: null, offset: null, status: "working", over: false, triggered: false, exit: false, entry: null, text: "", ...changes });
const exit = (number, entry, changes) => order(number, { exit: true, entry, ...changes });
const book = (...orders) => new Map(orders.map((each) => [each.id, each]));
const listed = (...orders) => listOrders(book(...orders)).map(({ order: { number }, depth }) => [number, depth]);
const over = { over: true, status: "filled" };

test("orders that work come first, the newest on top, then those that are over", () => {
  assert.deepEqual(listed(order(1, over), order(2), order(3, over), order(4)), [[4, 0], [2, 0], [3, 0], [1, 0]]);
});

test("exits stand under their entry, and keep it among those that work", () => {
  const rows = listed(order(1, over), exit(2, "o1", over), exit(3, "o1"), order(4, over), order(5));
  assert.deepEqual(rows, [[5, 0], [1, 0], [3, 1], [2, 1], [4, 0]]);
});

test("an exit whose entry is not listed stands by itself", () => {
  assert.deepEqual(listed(exit(2, "gone"), order(1)), [[2, 0], [1, 0]]);
});

test("orders that are not over are counted", () => {
  assert.equal(countWorking(book(order(1, over), order(2), order(3, { status: "pending" }))), 2);
});

test("a place in the queue is told with what is displayed", () => {
  assert.equal(queueText([180, 412]), "180 ahead of 412");
  assert.equal(queueText([-1, -1]), "not in view");
  assert.equal(queueText([180, -1]), "180 ahead, not in view");
  assert.equal(queueText(undefined), "");
});

test("each type of order is told by its prices", () => {
  assert.equal(doesText({ type: "market" }, NQ), "market");
  assert.equal(doesText({ type: "limit", limit: 80_737 }, NQ), "@ 20\u202f184.25");
  assert.equal(doesText({ type: "stop_limit", stop: 4000, limit: 4001 }, NQ), "stop 1000.00 → 1000.25");
  assert.equal(doesText({ type: "trailing_stop", offset: 8 }, NQ), "trail 8t");
  assert.equal(doesText({ type: "limit", limit: null }, NQ), "@ …");
});

test("a state has its reason, in the server's words", () => {
  assert.equal(stateText(order(1, { status: "rejected", over: true, text: "max position 5: this order would make 7" })), "rejected: max position 5: this order would make 7");
  assert.equal(stateText(order(1, { triggered: true })), "working, triggered");
  assert.equal(storyOf(order(1, { status: "partial", filled: 1 }), NQ), "Buy 2 @ 20\u202f184.25: partial (1 of 2 filled)");
});

test("what has been asked of an order stands behind its state until it has come", () => {
  const change = (changes) => wishText({ changes, cancels: false }, NQ);
  assert.equal(stateText(order(1), change({ limit: 82_960 })), "working, change to 20\u202f740.00 on its way");
  assert.equal(stateText(order(1, { refused: true, text: "no" }), change({ quantity: 3, stop: 4000 })), "working, change to 3 lots · 1000.00 on its way");
  assert.equal(change({ offset: 8 }), "change to 8t behind on its way");
  assert.equal(wishText({ changes: {}, cancels: true }, NQ), "cancel on its way");
  assert.equal(wishText(undefined, NQ), "");
  assert.equal(stateText(order(1, over), change({ limit: 1 })), "filled");
});

test("an order that works sells short only what is not held by now", () => {
  const sell = (changes) => order(1, { side: "sell", short: true, ...changes });
  assert.equal(sideWords(sell(), 0), "sell short");
  assert.equal(sideWords(sell(), 1), "sell short");
  assert.equal(sideWords(sell(), 2), "sell");
  assert.equal(sideWords(sell({ filled: 1 }), 1), "sell");
  assert.equal(sideWords(sell(over), 5), "sell short");
  assert.equal(sideWords(order(1), -3), "buy");
});

test("an average between two ticks is told finer than a price", () => {
  const averageText = (ticks) => NQ.ofAverage(ticks, { group: true });
  assert.equal(averageText(80_737), "20\u202f184.25");
  assert.equal(averageText(80_737.5), "20\u202f184.375");
  assert.equal(averageText(80_737 + 1 / 3), "20\u202f184.333");
  const ZN = new PriceFormat({ tick: 15_625_000, decimals: 6, price_display: "32nds" });
  assert.equal(ZN.ofAverage(7073), "110'165");
  assert.equal(ZN.ofAverage(7072.5), "110'162");
  assert.deepEqual([2, -1, 0].map(sideText), ["long", "short", "flat"]);
});

test("executions come newest first, of one side where asked for", () => {
  const fills = ["buy", "sell", "buy"].map((side, index) => ({ number: index + 1, side }));
  const numbers = (...args) => listFills(fills, ...args).map(({ number }) => number);
  assert.deepEqual(numbers("all"), [3, 2, 1]);
  assert.deepEqual(numbers("buy"), [3, 1]);
  assert.deepEqual(numbers("all", 2), [3, 2]);
  assert.equal(fills[0].number, 1);
});

test("flags are words", () => {
  assert.equal(flagsText(["ambiguous_bar", "new_one"]), "ambiguous bar, new_one");
});

test("the risk of the bar in progress comes with its chart, and goes with the bar", () => {
  const store = new Store();
  const feed = new Feed(store);
  const row = [300, 10, 12, 9, 11, 100];
  feed.apply(snapshot(1, { charts: [chart("c", [row], { risk: { buy: "10.00", sell: "5.00" } })] }));
  assert.deepEqual(store.get("risk:c"), { buy: "10.00", sell: "5.00" });
  feed.apply(frame(2, [{ chart: "c", bars: bars([row]), marks: [], risk: null }]));
  assert.equal(store.get("risk:c"), null);
});

test("a risk that is no money is not let in", () => {
  const message = (risk) => frame(2, [{ chart: "c", bars: bars([]), marks: [], risk }]);
  checkMessage(message({ buy: "10.00", sell: "15.625" }));
  assert.throws(() => checkMessage(message({ buy: 10, sell: "5.00" })), /risk/);
});
