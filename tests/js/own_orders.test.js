import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Bars } from "../../static/js/chart/bars.js";
import { executionDetails, executionMarkers, executionsOn } from "../../static/js/chart/executions.js";
import { heightOf, lanes, levelsOf, tickAt } from "../../static/js/chart/levels.js";
import { PriceScale } from "../../static/js/chart/price_scale.js";
import { marketOf, middleOf } from "../../static/js/ladder/market.js";
import { ownAt, withMoved } from "../../static/js/ladder/own.js";
import { lotsAt, montageOf } from "../../static/js/montage/levels.js";
import { PriceFormat } from "../../static/js/ui/price.js";
import { Asked } from "../../static/js/working/asked.js";
import { movedTo, othersText, priceOf, waitingIn } from "../../static/js/working/orders.js";
import { lastOf, orderAt, sideAt } from "../../static/js/working/place.js";
import { Store } from "../../static/js/workspace/store.js";
import { bars, book, clock, order, session } from "./fakes.js";

const TICK = 250_000_000;
const FORMAT = new PriceFormat({ tick: TICK, decimals: 2 });
const priceText = (ticks) => FORMAT.ofAverage(ticks);
const orders = (...all) => new Map(all.map((each) => [each.id, each]));

test("an order's line lies at its own price and the shift of its contract, and a height is the nearest own tick", () => {
  const scale = new PriceScale(FORMAT, TICK);
  const shift = -178_250_000_000; // the chart shows prices 713 ticks lower
  assert.equal(heightOf(84_137, scale, 0), scale.toAxis(84_137));
  assert.equal(heightOf(84_137, scale, shift), scale.toAxis(84_137 - 713));
  assert.equal(tickAt(scale.toAxis(84_137 - 713), scale, shift), 84_137);
  assert.equal(tickAt(scale.toAxis(84_137) + 0.02, scale, 0), 84_137);
  assert.equal(tickAt(scale.toAxis(84_137) + 0.03, scale, 0), 84_138);
  assert.equal(heightOf(84_137.5, scale, 0), (scale.toAxis(84_137) + scale.toAxis(84_138)) / 2);
});

test("a line's height does not depend on the unit in which the chart's bars came", () => {
  const [fine, plain] = [1, TICK].map((unit) => new PriceScale(FORMAT, unit));
  assert.equal(heightOf(84_137, fine, 0), heightOf(84_137, plain, 0));
  assert.equal(tickAt(heightOf(84_137, fine, 0), fine, 0), 84_137);
});

test("the lines are those of the contract's open orders that have a price, and of its position", () => {
  const known = orders(
    order("a"),
    order("b", { type: "stop", limit: null, stop: 84_000, side: "sell", exit: true }),
    order("c", { type: "market", limit: null }),
    order("d", { over: true, status: "filled" }),
    order("e", { contract: "NQH6" }),
  );
  const positions = [{ contract: "NQM6", quantity: -2, average: 84_136.5, open: "-37.50" }, { contract: "NQH6", quantity: 1, average: 1, open: "0.00" }];
  const levels = levelsOf({ orders: known, positions, asked: new Map(), contract: "NQM6" }, priceText);
  assert.deepEqual(
    levels.map(({ key, price, text, role, side, dashed }) => [key, price, text, role, side, dashed]),
    [
      ["position", 84_136.5, "SHORT 2 @ 21034.125 −$37.50", "loss", null, false],
      ["b", 84_000, "SELL 2 STP 21000.00", "stop", "sell", true],
      ["a", 84_137, "BUY 2 LMT 21034.25", "entry", "buy", false],
    ],
  );
});

test("what there is in other contracts is named, orders and positions together", () => {
  const known = orders(order("a"), order("b"), order("c", { over: true }), order("d", { contract: "NQH6" }));
  const positions = [{ contract: "NQM6", quantity: -2 }, { contract: "NQU6", quantity: 1 }, { contract: "NQH6", quantity: 0 }];
  const others = (contract) => othersText({ orders: known, positions, contract });
  assert.equal(others("NQM6"), "1 order of NQH6, LONG 1 of NQU6");
  assert.equal(others("NQH6"), "2 orders and SHORT 2 of NQM6, LONG 1 of NQU6");
  assert.equal(othersText({ orders: undefined, positions: undefined, contract: "NQM6" }), "");
});

test("a stop limit goes with both prices until it is triggered, then with its limit", () => {
  const waiting = order("a", { type: "stop_limit", stop: 100, limit: 103 });
  assert.equal(priceOf(waiting), 100);
  assert.deepEqual(movedTo(waiting, 90), { stop: 90, limit: 93 });
  const triggered = { ...waiting, triggered: true };
  assert.equal(priceOf(triggered), 103);
  assert.deepEqual(movedTo(triggered, 90), { limit: 90 });
  assert.deepEqual(movedTo(order("b", { type: "stop", stop: 100, limit: null }), 90), { stop: 90 });
});

test("limits buy below the last price and sell above it, stops the other way", () => {
  const at = (price) => [sideAt(price, 100, "limit"), sideAt(price, 100, "stop")];
  assert.deepEqual([at(99), at(100), at(101)], [["buy", "sell"], ["buy", "sell"], ["sell", "buy"]]);
});

test("an order that a click places has the ticket's size, one lot without it", () => {
  const store = new Store();
  store.set("clock", clock());
  const wanted = { side: "buy", type: "stop", price: 7, origin: "ladder" };
  assert.deepEqual(orderAt(store, wanted), { side: "buy", type: "stop", quantity: 1, contract: "NQM6", stop: 7, origin: "ladder" });
  for (const [quantity, placed] of [[3, 3], ["5", 5], [0, 1], [null, 1], ["", 1], [-2, 1]]) {
    store.set("ticket", { quantity });
    assert.equal(orderAt(store, wanted).quantity, placed);
  }
});

test("the last price is that of the newest bar, less what the chart adds", () => {
  const chart = { unit: TICK, bars: new Bars(bars([[60, 1, 1, 1, 90, 1], [120, 1, 1, 1, 100, 1]])) };
  assert.equal(lastOf(chart, clock({ shift: 0 }), TICK), 100);
  assert.equal(lastOf(chart, clock({ shift: 10 * TICK }), TICK), 90);
  assert.equal(lastOf({ unit: TICK, bars: new Bars() }, clock(), TICK), null);
  assert.equal(lastOf(undefined, clock(), TICK), null);
});

test("without prints a ladder has the prices around the last bar's, and no sizes", () => {
  const chart = { unit: TICK, bars: new Bars(bars([[120, 1, 1, 1, 100, 1]])) };
  const market = marketOf({ volumes: null, clock: clock({ shift: 4 * TICK }), session: session(), chart });
  assert.deepEqual([market.contract, market.last, market.tick, market.at(96), market.most], ["NQM6", 96, TICK, 0, 0]);
  assert.equal(middleOf(market, null), 96);
  assert.equal(marketOf({ volumes: null, clock: clock(), session: session(), chart: undefined }), null);
  assert.equal(middleOf({ ...market, last: null }, book([[50, 1, 1]], [])), 50);
});

test("a rung has the own orders of its price by side, with the queue before the first", () => {
  const all = [order("a"), order("b", { quantity: 5, filled: 2 }), order("c", { side: "sell", type: "stop", stop: 84_137, limit: null, status: "pending" })];
  const waiting = waitingIn(orders(...all), "NQM6", new Map());
  const rung = ownAt(waiting, { a: [180, 200], b: [60, 200], c: [-1, -1] }, priceText).get(84_137);
  assert.deepEqual([rung.buy.quantity, rung.buy.ahead, rung.buy.isStop, rung.buy.waits], [5, "60", false, false]);
  assert.deepEqual(rung.buy.orders.map(({ id }) => id), ["a", "b"]);
  assert.deepEqual([rung.sell.quantity, rung.sell.ahead, rung.sell.isStop, rung.sell.waits], [2, "", true, true]);
});

test("orders under the mouse stand where it is, but a trailing stop goes by itself", () => {
  const all = [order("a"), order("b", { type: "trailing_stop", stop: 84_137, limit: null }), order("c")];
  const moved = withMoved(all, { ids: new Set(["a", "b"]), by: -7 });
  assert.deepEqual(moved.map(priceOf), [84_130, 84_137, 84_137]);
});

test("the montage marks own limits, not stops, at their price", () => {
  const all = [order("a", { limit: 100 }), order("b", { limit: 100, quantity: 3 }), order("c", { type: "stop", stop: 99, limit: null })];
  const { bids, asks } = montageOf(book([[100, 9, 2], [99, 5, 1]], [[100, 1, 1]]), lotsAt(all), TICK);
  assert.deepEqual([...bids, ...asks].map(({ own }) => own), [5, 0, 0]);
  const fine = montageOf(book([[100 * TICK, 9, 2]], [], { unit: 1 }), lotsAt(all), TICK);
  assert.equal(fine.bids[0].own, 5);
});

test("executions stand on the bar in which they happened, one mark a side", () => {
  const on = new Bars(bars([[60, 1, 1, 1, 1, 1], [120, 1, 1, 1, 1, 1]]));
  const fill = (ns, side, quantity, text) => ({ ns: `${ns}000000001`, side, quantity, text, contract: "NQM6" });
  const fills = [fill(59, "buy", 1, "before"), fill(60, "buy", 1, "one"), fill(119, "buy", 2, "two"), fill(119, "sell", 1, "three"), fill(500, "sell", 1, "four")];
  const found = executionsOn(on, fills);
  assert.deepEqual(found.map(({ time, side, quantity }) => [time, side, quantity]), [[60, "buy", 3], [60, "sell", 1], [120, "sell", 1]]);
  assert.deepEqual(executionDetails(found[0]), ["Bought 3 NQM6", "one", "two"]);
  const shapes = executionMarkers(found, { up: "g", down: "r" }).map(({ shape, position, color }) => [shape, position, color]);
  assert.deepEqual(shapes.slice(0, 2), [["arrowUp", "belowBar", "g"], ["arrowDown", "aboveBar", "r"]]);
});

test("tags whose lines are close stand side by side, others at the edge", () => {
  const tags = [{ y: 10, width: 50 }, { y: 20, width: 40 }, { y: 100, width: 30 }, { y: 25, width: 20 }];
  assert.deepEqual(lanes(tags, 18), [0, 50, 0, 90]);
  assert.deepEqual(lanes([{ y: 10, width: 50 }, { y: 25, width: 40 }, { y: 40, width: 45 }], 18), [0, 50, 0]);
  assert.deepEqual(lanes([{ y: 10, width: 50 }, { y: 10, width: 50 }], 18, 80), [0, 30]);
});

let store;
let asked;
let sent;

beforeEach(() => {
  store = new Store();
  sent = [];
  const say = (type) => (...what) => sent.push([type, ...what]) && `cmd-${sent.length}`;
  asked = new Asked({ store, desk: { submit: say("submit"), replace: say("replace"), cancel: say("cancel") } });
  store.set("take", { number: 1 });
  store.set("orders", orders(order("a")));
});

const shown = () => waitingIn(store.get("orders"), "NQM6", store.get("asked")).map((each) => [each.limit, each.waits]);
const told = (changes) => store.set("orders", orders(order("a", changes)));

test("a moved order stands at its new price, on the way, until the market has it", () => {
  assert.equal(asked.replace(order("a"), { limit: 90 }), "cmd-1");
  assert.deepEqual(sent, [["replace", "a", { limit: 90 }]]);
  assert.deepEqual(shown(), [[90, true]]);
  told({ filled: 1, status: "partial" });
  assert.deepEqual(shown(), [[90, true]]);
  told({ limit: 90 });
  assert.deepEqual(shown(), [[90, false]]);
});

test("an order whose change is refused goes back, and the words are told", () => {
  asked.replace(order("a"), { limit: 90 });
  told({ refused: true, text: "max order size 1" });
  assert.deepEqual(shown(), [[84_137, false]]);
  assert.equal(store.get("error").message, "Refused: max order size 1.");
});

test("an order whose change the server does not take goes back", () => {
  asked.replace(order("a"), { limit: 90 });
  store.set("error", { code: "not_done", message: "no", ref: "other" });
  assert.deepEqual(shown(), [[90, true]]);
  store.set("error", { code: "not_done", message: "no", ref: "cmd-1" });
  assert.deepEqual(shown(), [[84_137, false]]);
});

test("what was not acknowledged when the line broke is not waited for, what was is", () => {
  asked.replace(order("a"), { limit: 90 });
  store.set("done", { id: "cmd-1" });
  store.set("connection", { state: "live" });
  assert.deepEqual(shown(), [[90, true]]);
  asked.replace(order("a"), { limit: 80 });
  store.set("connection", { state: "live" });
  assert.deepEqual(shown(), [[84_137, false]]);
});

test("a cancelled order is on the way out until it is gone, and is not moved meanwhile", () => {
  asked.cancel(order("a"));
  const [one] = levelsOf({ orders: store.get("orders"), positions: [], asked: store.get("asked"), contract: "NQM6" }, priceText);
  assert.deepEqual([one.waits, one.movable], [true, false]);
  told({ over: true, status: "cancelled" });
  assert.equal(store.get("asked").size, 0);
});

test("in another take nothing is on the way", () => {
  asked.replace(order("a"), { limit: 90 });
  store.set("take", { number: 1 });
  assert.equal(store.get("asked").size, 1);
  store.set("take", { number: 2 });
  assert.equal(store.get("asked").size, 0);
});

test("a rejection of an order that was placed with the mouse is told once, that of another is not", () => {
  asked.submit({ side: "buy" });
  const rejected = (id) => order(id, { status: "rejected", over: true, text: `no ${id}` });
  store.set("orders", orders(order("cmd-1", { status: "pending" })));
  store.set("orders", orders(rejected("other")));
  assert.equal(store.get("error"), undefined);
  store.set("orders", orders(rejected("cmd-1")));
  assert.equal(store.get("error").message, "Rejected: no cmd-1.");
  const before = store.get("error");
  store.set("orders", orders(rejected("cmd-1")));
  assert.equal(store.get("error"), before);
});
