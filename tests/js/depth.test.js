import assert from "node:assert/strict";
import { test } from "node:test";

import { Feed } from "../../static/js/net/feed.js";
import { ProtocolError, checkMessage } from "../../static/js/net/protocol.js";
import { Store } from "../../static/js/workspace/store.js";
import { book, frame, prints, snapshot, volumes } from "./fakes.js";

const A = ["1773840601000000000", 100, 2, "B"];
const B = ["1773840602000000000", 101, 5, "A"];
const BOOK = book([[100, 5, 2]], [[101, 4, 1]]);

function storeAfter(...messages) {
  const store = new Store();
  const feed = new Feed(store);
  for (const message of messages) feed.apply(checkMessage(message));
  return store;
}

const anew = (rows, traded) => ({ book: BOOK, prints: prints(rows, { reset: true }), volumes: volumes(traded, { reset: true }) });

test("a snapshot and frames give what a fresh snapshot gives", () => {
  const old = storeAfter(
    snapshot(1, { book: null, prints: null, volumes: null }),
    { ...frame(2), ...anew([A], [[100, 2]]) },
    frame(3),
    { ...frame(4), prints: prints([B]), volumes: volumes([[101, 5]]) },
  );
  const fresh = storeAfter(snapshot(1, anew([A, B], [[100, 2], [101, 5]])));
  assert.deepEqual(old.get("book"), fresh.get("book"));
  assert.deepEqual(old.get("prints").rows, fresh.get("prints").rows);
  for (const price of [100, 101]) assert.equal(old.get("volumes").at(price), fresh.get("volumes").at(price));
});

test("a session of bars takes away what the one before had", () => {
  const store = storeAfter(snapshot(1, anew([A], [[100, 2]])), { ...frame(2), book: null, prints: null, volumes: null });
  assert.deepEqual(["book", "prints", "volumes"].map((topic) => store.get(topic)), [null, null, null]);
});

for (const [what, broken] of [
  ["a side that is no letter for each print", { prints: prints([A, B], { side: "B" }) }],
  ["a side that nobody knows", { prints: prints([A], { side: "X" }) }],
  ["columns of different lengths", { prints: prints([A], { p: [1, 2] }) }],
  ["levels without sizes", { book: { ...BOOK, bids: { p: [1], n: [1] } } }],
  ["a unit of nothing", { volumes: volumes([[1, 1]], { unit: 0 }) }],
]) {
  test(`${what} is refused at the door`, () => {
    assert.throws(() => checkMessage({ ...frame(1), ...broken }), ProtocolError);
  });
}
