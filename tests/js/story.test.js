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
beforeEach(() => {
  story = new Story();
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
