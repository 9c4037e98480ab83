import assert from "node:assert/strict";
import { test } from "node:test";

import { buildOrder, exitsText, problemsOfExits, readWhole } from "../../static/js/orders/entry.js";
import { quantityFor, readTarget } from "../../static/js/orders/sizing.js";
import { Templates } from "../../static/js/orders/templates.js";
import { PriceFormat } from "../../static/js/ui/price.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2 });

const values = (changes = {}) => ({
  side: "buy",
  type: "market",
  quantity: "2",
  limit: "20184.25",
  stop: "20180.00",
  offset: "8",
  step: "1",
  tif: "day",
  oco: "",
  postOnly: false,
  reduceOnly: false,
  exits: null,
  ...changes,
});
const bracket = (changes = {}) => ({ stop: "", targets: [], after: "", plus: "", trigger: "", distance: "", trailStep: "", ...changes });
const built = (changes) => buildOrder(values(changes), NQ);

test("the quantity is the target divided by the risk of one, rounded down", () => {
  assert.equal(quantityFor(500n, 15n), 33);
  assert.equal(quantityFor(500n, 500n), 1);
});

test("the quantity is none where nothing is at risk, one risks too much, or the risk is not known", () => {
  assert.equal(quantityFor(500n, 0n), 0);
  assert.equal(quantityFor(500n, 501n), 0);
  assert.equal(quantityFor(500n, null), 0);
  assert.equal(quantityFor(-1n, 5n), 0);
});

test("the quantity is never above the position limit", () => {
  assert.equal(quantityFor(500n, 15n, 5), 5);
  assert.equal(quantityFor(500n, 100n, 10), 5);
});

test("each type of order has its own prices and no others", () => {
  const common = { side: "buy", quantity: 2, tif: "day", origin: "ticket" };
  assert.deepEqual(built({}).order, { ...common, type: "market" });
  assert.deepEqual(built({ type: "limit" }).order, { ...common, type: "limit", limit: 80_737 });
  assert.deepEqual(built({ type: "stop" }).order, { ...common, type: "stop", stop: 80_720 });
  assert.deepEqual(built({ type: "stop_limit" }).order, { ...common, type: "stop_limit", stop: 80_720, limit: 80_737 });
  assert.deepEqual(built({ type: "trailing_stop" }).order, { ...common, type: "trailing_stop", offset: 8, step: 1 });
});

test("flags and the pair's name go along where they are set", () => {
  const { order } = built({ type: "limit", side: "sell", tif: "gtc", oco: " breakout ", postOnly: true, reduceOnly: true });
  assert.deepEqual([order.side, order.tif, order.oco, order.post_only, order.reduce_only], ["sell", "gtc", "breakout", true, true]);
});

test("what is wrong is named by its field, and nothing is sent", () => {
  const { order, problems } = built({ type: "stop_limit", quantity: "0", limit: "20184.30", stop: "" });
  assert.equal(order, null);
  assert.deepEqual(Object.keys(problems).sort(), ["limit", "quantity", "stop"]);
  assert.equal(problems.limit, "Between two ticks: 20184.25 or 20184.50.");
});

test("a field of another type may hold anything", () => {
  assert.notEqual(built({ type: "market", limit: "nonsense", offset: "" }).order, null);
});

test("only a resting limit order can be post-only", () => {
  assert.ok(built({ type: "market", postOnly: true }).problems.postOnly);
  assert.ok(built({ type: "limit", tif: "ioc", postOnly: true }).problems.postOnly);
  assert.deepEqual(built({ type: "limit", tif: "gtc", postOnly: true }).problems, {});
});

test("a bracket has a stop and targets, the last of which takes the rest", () => {
  const exits = bracket({ stop: "37", targets: [{ ticks: "40", quantity: "1" }, { ticks: "", quantity: "" }, { ticks: "74", quantity: "" }] });
  assert.deepEqual(built({ exits }).order.exits, { targets: [{ ticks: 40, quantity: 1 }, { ticks: 74 }], stop: 37 });
});

test("a stop moves to breakeven and trails", () => {
  const exits = bracket({ stop: "20", after: "10", plus: "-1", trigger: "15", distance: "8" });
  assert.deepEqual(built({ exits }).order.exits, { stop: 20, breakeven: { after: 10, plus: -1 }, trail: { trigger: 15, distance: 8, step: 1 } });
});

test("an empty bracket sends no exits", () => {
  assert.equal("exits" in built({ exits: bracket({ targets: [{ ticks: "", quantity: "" }] }) }).order, false);
});

test("what a bracket lacks is said at its field", () => {
  const rest = bracket({ targets: [{ ticks: "5", quantity: "" }, { ticks: "9", quantity: "" }] });
  assert.deepEqual(problemsOfExits(rest), { targetQuantity0: "Only the last target may take all that is left." });
  assert.deepEqual(Object.keys(problemsOfExits(bracket({ after: "5" }))), ["exitStop"]);
  assert.deepEqual(Object.keys(problemsOfExits(bracket({ stop: "5", trigger: "5" }))), ["distance"]);
  assert.deepEqual(Object.keys(problemsOfExits(bracket({ targets: [{ ticks: "", quantity: "2" }] }))), ["target0"]);
});

test("a bracket is told in a line", () => {
  assert.equal(exitsText(bracket({ stop: "37", targets: [{ ticks: "40" }, { ticks: "74" }], after: "5", distance: "8" })), "stop 37t · targets 40t, 74t · breakeven · trail");
  assert.equal(exitsText(bracket()), "nothing yet");
});

test("a whole number is within its limits", () => {
  assert.deepEqual(readWhole("1 000"), { value: 1000 });
  for (const text of ["", "0", "1.5", "x", "1000001"]) assert.ok(readWhole(text).problem, text);
});

class Storage {
  kept = new Map();
  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, text) => this.kept.set(key, text);
}

test("templates are kept by name, replaced and removed", () => {
  const storage = new Storage();
  const templates = new Templates(storage);
  assert.equal(templates.save("scalp", bracket({ stop: "8" })), null);
  assert.equal(templates.save("swing", bracket({ stop: "40" })), null);
  assert.equal(templates.save("scalp", bracket({ stop: "9" })), null);
  assert.deepEqual(new Templates(storage).names(), ["scalp", "swing"]);
  assert.equal(templates.get("scalp").stop, "9");
  assert.equal(templates.remove("scalp"), true);
  assert.equal(templates.get("scalp"), null);
  assert.equal(templates.get("toString"), null);
});

test("a template needs a name", () => {
  assert.ok(new Templates(new Storage()).save("  ", bracket()));
});

test("what else stands in the browser's storage does no harm", () => {
  const storage = new Storage();
  for (const text of ["{", "null", '{"a": 1, "b": {"targets": "no"}}']) {
    storage.setItem("futsim.exits", text);
    assert.deepEqual(new Templates(storage).names(), []);
  }
});

test("the quantity is never more than an order may have, whatever the target", () => {
  assert.equal(quantityFor(10n ** 30n, 1n), 1_000_000);
  assert.equal(quantityFor(10n ** 30n, 1n, 2_000_000), 1_000_000);
  assert.equal(quantityFor(10n ** 30n, 1n, 3), 3);
});

test("a target is an amount above nothing, or is said to be none", () => {
  assert.deepEqual(readTarget(""), { target: null, problem: null });
  assert.deepEqual(readTarget("$1 500.50"), { target: 1_500_500_000_000n, problem: null });
  for (const text of ["abc", "−5", "-5", "0", "0.00", "1e9", "5."]) {
    assert.equal(readTarget(text).target, null, text);
    assert.match(readTarget(text).problem, /An amount above 0/);
  }
});
