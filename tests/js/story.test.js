import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Story } from "../../static/js/orders/story.js";
import { PriceFormat } from "../../static/js/ui/price.js";
import { order } from "./fakes.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2 });
const numbered = (number, changes = {}) => order(`o${number}`, { number, type: "market", limit: null, ...changes });
const book = (...orders) => new Map(orders.map((each) => [each.id, each]));
const rejected = { status: "rejected", over: true, text: "no" };

let story;
let time;
beforeEach(() => {
  time = 0;
  story = new Story({ now: () => time });
  story.begin(1);
});

const told = (...orders) => story.told(book(...orders), NQ)?.text ?? null;

test("orders that were there before are not told", () => {
  assert.equal(story.told(undefined, NQ), null);
  assert.equal(told(numbered(1), numbered(2)), null);
});

test("an order is told from its sending on, and a newer one from anywhere takes its place", () => {
  story.sent("o1", null, book());
  assert.equal(told(), "Sent …");
  assert.equal(told(numbered(1, rejected)), "Buy 2 market: rejected: no");
  assert.equal(told(numbered(1, rejected), numbered(2)), "Buy 2 market: working");
  assert.equal(told(numbered(1, rejected), numbered(2), numbered(3, { exit: true, side: "sell" })), "Buy 2 market: working");
});

test("what is said of a command stands until there is a newer order", () => {
  story.sent("o1", null, book());
  assert.equal(told(numbered(1)), "Buy 2 market: working");
  story.sent("c2", "Flatten: sent", book(numbered(1)));
  assert.equal(told(numbered(1, { status: "cancelled", over: true })), "Flatten: sent");
  assert.equal(told(numbered(1), numbered(2, { side: "sell", status: "filled", over: true })), "Sell 2 market: filled");
  story.say({ text: "Refused: no", level: "error", ref: null }, book(numbered(1), numbered(2)));
  assert.equal(told(numbered(1), numbered(2)), "Refused: no");
});

test("an order that never came is not waited for once that was said", () => {
  story.sent("o1", null, book());
  story.say({ text: "The connection broke", level: "error", ref: "o1" }, book());
  assert.equal(told(), "The connection broke");
  story.withdraw("other");
  assert.equal(told(), "The connection broke");
  story.withdraw("o1");
  assert.equal(told(), null);
});

test("another take begins with an empty line", () => {
  story.sent("o1", null, book());
  assert.equal(told(numbered(1)), "Buy 2 market: working");
  story.begin(1, book(numbered(1)));
  assert.equal(told(numbered(1)), "Buy 2 market: working");
  story.begin(2, book(numbered(1)));
  assert.equal(told(numbered(1)), null);
  assert.equal(told(numbered(1), numbered(2)), "Buy 2 market: working");
});

test("the order that begins the first take is told, and one that was on its way into another", () => {
  story = new Story();
  story.begin(0);
  story.sent("o1", null, book());
  story.begin(1, book());
  assert.equal(told(), "Sent …");
  assert.equal(told(numbered(1)), "Buy 2 market: working");
  story.sent("o2", null, book(numbered(1)));
  story.begin(2, book(numbered(1)));
  assert.equal(told(order("o2", { number: 1 })), "Buy 2 @ 21\u202f034.25: working");
});

test("a change of an order is told, and then what has become of it", () => {
  story.sent("o1", null, book());
  const one = numbered(1, { status: "filled", over: true });
  const two = numbered(2, { type: "limit", limit: 84_137 });
  const wish = { command: "c3", changes: { limit: 84_141 }, cancels: false };
  const at = (order, ...asked) => {
    const wishes = new Map(asked);
    story.asked(wishes, book(one, order));
    return story.told(book(one, order), NQ, { asked: wishes }).text;
  };
  assert.equal(at(two), "Buy 2 @ 21\u202f034.25: working");
  assert.equal(at(two, ["o2", wish]), "Buy 2 @ 21\u202f034.25: working, change to 21\u202f035.25 on its way");
  assert.equal(at({ ...two, limit: 84_141 }), "Buy 2 @ 21\u202f035.25: working");
  assert.equal(at({ ...two, refused: true, text: "no" }, ["o2", { ...wish, command: "c4", cancels: true }]), "Buy 2 @ 21\u202f034.25: working, cancel on its way");
  assert.equal(story.told(book(one, { ...two, refused: true, text: "no" }), NQ).level, "error");
});

test("an older order whose change is told gives way to a newer order", () => {
  story.told(book(numbered(1)), NQ);
  const wishes = new Map([["o1", { command: "c2", changes: {}, cancels: true }]]);
  story.asked(wishes, book(numbered(1)));
  const text = (...orders) => story.told(book(...orders), NQ, { asked: wishes }).text;
  assert.equal(text(numbered(1)), "Buy 2 market: working, cancel on its way");
  assert.equal(text(numbered(1), numbered(2, { side: "sell" })), "Sell 2 market: working");
  story.asked(wishes, book(numbered(1), numbered(2)));
  assert.equal(text(numbered(1), numbered(2, { side: "sell" })), "Sell 2 market: working");
});

test("a problem goes once it could be read and the market has gone on, not before", () => {
  const at = (ms, seconds) => {
    time = ms;
    return story.told(book(), NQ, { playhead: String(seconds * 1_000_000_000) })?.text ?? null;
  };
  story.say({ text: "Refused: no", level: "error", ref: null }, book());
  assert.equal(at(0, 100), "Refused: no");
  assert.equal(at(600_000, 100), "Refused: no");
  assert.equal(at(600_000, 160), "Refused: no");
  assert.equal(at(600_000, 161), null);
  story.say({ text: "Refused: other", level: "error", ref: null }, book());
  assert.equal(at(600_000, 200), "Refused: other");
  assert.equal(at(620_000, 9000), "Refused: other");
  assert.equal(at(620_001, 9000), null);
});

test("the same problem of another order is news", () => {
  const at = (ms, ...orders) => {
    time = ms;
    return story.told(book(...orders), NQ, { playhead: String(ms * 1_000_000_000) })?.text ?? null;
  };
  at(0);
  const [one, two] = [numbered(1, rejected), numbered(2, rejected)];
  assert.equal(at(0, one), "Buy 2 market: rejected: no");
  assert.equal(at(100_000, one), null);
  assert.equal(at(100_000, one, two), "Buy 2 market: rejected: no");
});

test("a command that leads to no order says when there is nothing left to do", () => {
  const came = ({ positions }) => (positions.length ? null : "Flat");
  story.sent("c1", "Flatten: sent", book(), came);
  assert.equal(story.told(book(), NQ, { positions: [1] }).text, "Flatten: sent");
  assert.equal(story.told(book(), NQ, { positions: [] }).text, "Flat");
});
