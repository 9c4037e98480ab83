import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ReplaySession } from "../../static/js/workspace/session.js";
import { Store } from "../../static/js/workspace/store.js";
import { clock, frame, snapshot } from "./fakes.js";

/** Stands for the PageSocket: records what is sent. */
class FakeConnection {
  constructor(options) {
    this.options = options;
    this.sent = [];
    this.live = true;
    FakeConnection.last = this;
  }

  open() {}

  send(message) {
    if (this.live) this.sent.push(message);
    return this.live;
  }
}

let store;
let session;
let wire;
let now;
let loggedOut;

beforeEach(() => {
  store = new Store();
  now = 0;
  loggedOut = 0;
  session = new ReplaySession({
    store,
    socketUrl: "ws://test/",
    Socket: FakeConnection,
    now: () => now,
    onLoggedOut: () => (loggedOut += 1),
  });
  wire = FakeConnection.last;
});

const arrive = (message) => wire.options.onMessage(message);

test("play and pause alternate with the server's clock", () => {
  arrive(snapshot(1));
  session.toggle();
  arrive(frame(2, [], { playing: true }));
  session.toggle();
  assert.deepEqual(wire.sent.map(({ type }) => type), ["play", "pause"]);
});

test("a second press before the server's answer takes the first one back", () => {
  arrive(snapshot(1));
  session.toggle();
  session.toggle();
  assert.deepEqual(wire.sent.map(({ type }) => type), ["play", "pause"]);
});

test("a command that the server never took is forgotten after a moment", () => {
  arrive(snapshot(1));
  session.toggle();
  now = 2000;
  session.toggle();
  assert.deepEqual(wire.sent.map(({ type }) => type), ["play", "play"]);
});

test("pressing faster again and again goes up the speeds without waiting", () => {
  arrive(snapshot(1, { clock: clock({ speed: 500 }) }));
  for (let press = 0; press < 4; press += 1) session.faster(1);
  assert.deepEqual(wire.sent.map(({ value }) => value), [1000, "max"]);
  session.faster(-1);
  assert.equal(wire.sent.at(-1).value, 1000);
});

test("the slowest speed stays", () => {
  arrive(snapshot(1, { clock: clock({ speed: 0.25 }) }));
  session.faster(-1);
  assert.deepEqual(wire.sent, []);
});

test("a bar step names the chart in focus", () => {
  session.openChart("a", "5m");
  session.openChart("b", "1h");
  session.step("bar", -1);
  session.focus("b");
  session.step("bar", 1);
  const steps = wire.sent.filter(({ type }) => type === "step");
  assert.deepEqual(steps.map(({ chart, count }) => [chart, count]), [["a", -1], ["b", 1]]);
});

test("a reconnect's hello has every open chart with its latest timeframe, what is looked at, and the playhead shown last", () => {
  session.watchBoard(true);
  session.watch("tape", { prints: true });
  session.openChart("a", "5m");
  session.openChart("b", "1h");
  session.openChart("c", "1D");
  session.setTimeframe("a", "30m");
  session.closeChart("c");
  arrive(frame(2, [], { playhead: "42" }));
  assert.deepEqual(wire.options.hello(), {
    charts: [{ chart: "a", timeframe: "30m" }, { chart: "b", timeframe: "1h" }],
    board: true,
    watch: { book: false, prints: true, ladder: false },
    playhead: "42",
  });
});

test("a timeframe chosen while disconnected waits for the hello, without a complaint", () => {
  session.openChart("a", "5m");
  wire.live = false;
  session.setTimeframe("a", "1h");
  assert.equal(store.get("error"), undefined);
  assert.equal(wire.options.hello().charts[0].timeframe, "1h");
});

test("choosing the timeframe that is set sends nothing", () => {
  session.openChart("a", "5m");
  session.setTimeframe("a", "5m");
  assert.deepEqual(wire.sent.map(({ type }) => type), ["chart.open"]);
});

test("closing the focused chart moves the focus to another", () => {
  session.openChart("a", "5m");
  session.openChart("b", "1h");
  session.closeChart("a");
  assert.equal(session.focusedChart(), "b");
  session.closeChart("b");
  assert.equal(session.focusedChart(), null);
});

test("a command without a connection says so", () => {
  wire.live = false;
  session.toggle();
  assert.equal(store.get("error").code, "offline");
});

test("being logged out leads to the log-in page", () => {
  wire.options.onState({ state: "stopped", reason: "you are logged out", code: 4401 });
  assert.equal(loggedOut, 1);
});

test("the log tells when the connection went and came back, once each", () => {
  wire.options.onState({ state: "live", reason: null, code: null });
  wire.options.onState({ state: "reconnecting", reason: "the connection was lost", code: 1006 });
  wire.options.onState({ state: "reconnecting", reason: "the connection was lost", code: 1006 });
  wire.options.onState({ state: "live", reason: null, code: null });
  assert.deepEqual(store.get("log").map(({ text }) => text), ["Connecting again: the connection was lost.", "Connected again."]);
});

test("the page without a replay keeps its charts and sends nothing", () => {
  const page = new ReplaySession({ store: new Store(), socketUrl: null });
  page.openChart("a", "5m");
  page.setTimeframe("a", "1h");
  page.toggle();
  page.start();
  assert.equal(page.exists, false);
  assert.equal(page.timeframeOf("a"), "1h");
});

test("an answer names the job and the figure that was shown", () => {
  session.approve({ id: 7, cost: "$2.43" });
  session.cancelLoad({ id: 7 });
  assert.deepEqual(wire.sent, [
    { type: "job.approve", job: 7, cost: "$2.43", ref: "job.approve" },
    { type: "job.cancel", job: 7, ref: "job.cancel" },
  ]);
});

test("the server is told what the panels want together, and only when that changes", () => {
  session.watch("ladder", { ladder: true });
  session.watch("second ladder", { ladder: true });
  session.watch("montage", { book: true });
  session.watch("second ladder", null);
  session.watch("montage", null);
  const wanted = wire.sent.map(({ type, book, prints, ladder }) => [type, book, prints, ladder]);
  assert.deepEqual(wanted, [
    ["watch", false, false, true],
    ["watch", true, false, true],
    ["watch", false, false, true],
  ]);
});

test("events are asked for by grade", () => {
  session.getEvents("trades");
  session.keepEvents("book");
  assert.deepEqual(wire.sent.map(({ type, grade }) => [type, grade]), [["events.get", "trades"], ["events.keep", "book"]]);
});
