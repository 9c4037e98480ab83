import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameQueue } from "../../static/js/ui/frame.js";
import { Store, Subscriptions } from "../../static/js/workspace/store.js";

test("a subscriber gets the latest value at once and then each newer one", () => {
  const store = new Store();
  const seen = [];
  store.set("clock", 1);
  store.set("clock", 2);
  store.subscribe("clock", (value) => seen.push(value));
  store.set("clock", 3);
  assert.deepEqual(seen, [2, 3]);
});

test("a subscriber to a topic without a value waits", () => {
  const store = new Store();
  const seen = [];
  store.subscribe("clock", (value) => seen.push(value));
  assert.deepEqual(seen, []);
  store.set("clock", null);
  assert.deepEqual(seen, [null]);
});

test("topics do not hear each other", () => {
  const store = new Store();
  const seen = [];
  store.subscribe("bars:a", (value) => seen.push(value));
  store.set("bars:b", 1);
  assert.deepEqual(seen, []);
});

test("a listener may end its subscription while it is told", () => {
  const store = new Store();
  const seen = [];
  const end = store.subscribe("clock", (value) => {
    seen.push(value);
    end();
  });
  store.subscribe("clock", (value) => seen.push(`other ${value}`));
  store.set("clock", 1);
  store.set("clock", 2);
  assert.deepEqual(seen, [1, "other 1", "other 2"]);
});

test("a panel's subscriptions end together", () => {
  const store = new Store();
  const seen = [];
  const subscriptions = new Subscriptions(store);
  subscriptions.add("a", (value) => seen.push(value));
  subscriptions.add("b", (value) => seen.push(value));
  subscriptions.end();
  store.set("a", 1);
  store.set("b", 2);
  assert.deepEqual(seen, []);
});

test("a dropped topic is forgotten", () => {
  const store = new Store();
  store.set("bars:a", 1);
  store.drop("bars:a");
  assert.equal(store.get("bars:a"), undefined);
});

test("a panel draws once in a frame, however often data came", () => {
  const frames = [];
  const queue = new FrameQueue((callback) => frames.push(callback));
  let drawn = 0;
  const draw = () => (drawn += 1);
  queue.request(draw);
  queue.request(draw);
  assert.equal(frames.length, 1);
  frames.shift()();
  assert.equal(drawn, 1);
  queue.request(draw);
  frames.shift()();
  assert.equal(drawn, 2);
});

test("one panel's fault does not stop another's drawing", (t) => {
  t.mock.method(console, "error", () => {});
  const frames = [];
  const queue = new FrameQueue((callback) => frames.push(callback));
  let drawn = false;
  queue.request(() => {
    throw new Error("broken");
  });
  queue.request(() => (drawn = true));
  frames.shift()();
  assert.equal(drawn, true);
  assert.equal(console.error.mock.callCount(), 1);
});

test("a fault that comes again in each frame is told once, and again after a frame without it", (t) => {
  t.mock.method(console, "error", () => {});
  const frames = [];
  const queue = new FrameQueue((callback) => frames.push(callback));
  let fault = "broken";
  const draw = () => {
    if (fault) throw new Error(fault);
  };
  for (const next of ["broken", "broken", "otherwise", "", "broken"]) {
    fault = next;
    queue.request(draw);
    frames.shift()();
  }
  assert.equal(console.error.mock.callCount(), 3);
});

test("a destroyed panel no longer draws", () => {
  const frames = [];
  const queue = new FrameQueue((callback) => frames.push(callback));
  const draw = () => assert.fail("drawn after the end");
  queue.request(draw);
  queue.cancel(draw);
  frames.shift()();
});

test("a panel that is about to be seen draws at once, and not again in the frame that it had asked for", () => {
  const frames = [];
  const queue = new FrameQueue((callback) => frames.push(callback));
  let drawn = 0;
  const draw = () => (drawn += 1);
  queue.request(draw);
  queue.now(draw);
  assert.equal(drawn, 1);
  frames.shift()();
  assert.equal(drawn, 1);
});
