import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Desk } from "../../static/js/orders/desk.js";
import { Store } from "../../static/js/workspace/store.js";
import { FakeTimers, order } from "./fakes.js";

let store;
let desk;
let timers;

beforeEach(() => {
  store = new Store();
  timers = new FakeTimers();
  store.set("connection", { state: "live" });
  desk = new Desk({ store, send: () => true, timers });
});

const connection = (state) => store.set("connection", { state });
const snapshot = (...ids) => store.set("orders", new Map(ids.map((id) => [id, order(id)])));

test("what the snapshot has, or was answered before, was not on the way when the connection broke", () => {
  const [arrived, refused, done] = [desk.submit({}), desk.submit({}), desk.flatten()];
  store.set("done", { id: done });
  store.set("error", { code: "not_done", message: "no", ref: refused });
  connection("reconnecting");
  connection("live");
  snapshot(arrived);
  assert.equal(store.get("error").code, "not_done");
});

test("what did not arrive is counted once the snapshot is there, not before", () => {
  const [arrived, first] = [desk.submit({}), desk.submit({}), desk.flatten()];
  connection("reconnecting");
  snapshot();
  connection("live");
  assert.equal(store.get("error"), undefined);
  snapshot(arrived);
  assert.match(store.get("error").message, /while 2 commands were on the way/);
  assert.equal(store.get("error").ref, first);
  const told = store.get("error");
  snapshot();
  assert.equal(store.get("error"), told);
});

test("a command sent after the break is not among those", () => {
  connection("reconnecting");
  connection("live");
  desk.submit({});
  snapshot();
  assert.equal(store.get("error"), undefined);
});

function lose() {
  const id = desk.submit({});
  connection("reconnecting");
  connection("live");
  snapshot();
  return id;
}

test("the note is withdrawn by the next command", () => {
  const id = lose();
  assert.equal(store.get("withdrawn"), undefined);
  desk.cancelAll();
  assert.deepEqual(store.get("withdrawn"), { ref: id });
});

test("the note is withdrawn after half a minute", () => {
  const id = lose();
  timers.pass(29_999);
  assert.equal(store.get("withdrawn"), undefined);
  timers.pass(1);
  assert.deepEqual(store.get("withdrawn"), { ref: id });
});
