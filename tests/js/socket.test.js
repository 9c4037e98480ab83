import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { NOTHING } from "../../static/js/net/protocol.js";
import { PageSocket, backOff } from "../../static/js/net/socket.js";
import { FakeSocket, FakeTimers, chart, frame, snapshot } from "./fakes.js";

let timers;
let got;
let states;
let socket;
let hidden;

beforeEach(() => {
  hidden = false;
  FakeSocket.made = [];
  timers = new FakeTimers();
  got = [];
  states = [];
  socket = new PageSocket({
    url: "ws://test/",
    hello: () => ({ charts: [{ chart: "c", timeframe: "5m" }], playhead: "7" }),
    onMessage: (message) => got.push(message),
    onState: (state) => states.push(state),
    WebSocketClass: FakeSocket,
    timers,
    random: () => 1,
    isHidden: () => hidden,
  });
});

function live(seq = 10) {
  socket.open();
  FakeSocket.last.accept();
  FakeSocket.last.say(snapshot(seq));
  return FakeSocket.last;
}

const stateNames = () => states.map(({ state }) => state);

test("the first message is a hello with the charts and no last sequence number", () => {
  socket.open();
  FakeSocket.last.accept();
  assert.deepEqual(FakeSocket.last.sent, [
    { type: "hello", charts: [{ chart: "c", timeframe: "5m" }], board: false, watch: NOTHING, last_seq: null, playhead: "7" },
  ]);
});

test("the connection is live with its first snapshot, not before", () => {
  socket.open();
  FakeSocket.last.accept();
  assert.deepEqual(stateNames(), ["connecting"]);
  assert.equal(socket.send({ type: "play" }), false);
  FakeSocket.last.say(snapshot(1));
  assert.deepEqual(stateNames(), ["connecting", "live"]);
  assert.equal(socket.send({ type: "play" }), true);
});

test("frames in sequence are handed on", () => {
  const wire = live(10);
  wire.say(frame(11));
  wire.say(frame(12));
  assert.deepEqual(got.map(({ seq }) => seq), [10, 11, 12]);
});

test("the last sequence number is acknowledged every second, also when nothing came", () => {
  const wire = live(10);
  timers.pass(3000);
  assert.deepEqual(wire.sent.slice(1), Array(3).fill({ type: "ack", seq: 10 }));
});

test("twenty messages are acknowledged without waiting for the second", () => {
  const wire = live(1);
  for (let seq = 2; seq <= 20; seq += 1) wire.say(frame(seq));
  assert.deepEqual(wire.sent.slice(1), [{ type: "ack", seq: 20 }]);
  for (let seq = 21; seq <= 39; seq += 1) wire.say(frame(seq));
  assert.equal(wire.sent.length, 2);
  wire.say(frame(40));
  assert.deepEqual(wire.sent.at(-1), { type: "ack", seq: 40 });
});

test("a hidden page acknowledges each message at once, because its timers hardly run", () => {
  const wire = live(1);
  hidden = true;
  wire.say(frame(2));
  wire.say(frame(3));
  assert.deepEqual(wire.sent.slice(1), [{ type: "ack", seq: 2 }, { type: "ack", seq: 3 }]);
});

test("a gap asks for a snapshot once and shows nothing until it comes", () => {
  const wire = live(10);
  wire.say(frame(12));
  wire.say(frame(13));
  assert.deepEqual(wire.sentTypes(), ["hello", "resync"]);
  assert.deepEqual(got.map(({ seq }) => seq), [10]);
  assert.equal(states.at(-1).state, "connecting");
  wire.say(snapshot(14));
  wire.say(frame(15));
  assert.deepEqual(got.map(({ seq }) => seq), [10, 14, 15]);
  assert.equal(states.at(-1).state, "live");
});

test("a snapshot after a gap needs no asking", () => {
  const wire = live(10);
  wire.say(snapshot(15));
  assert.deepEqual(wire.sentTypes(), ["hello"]);
  assert.equal(got.length, 2);
});

test("an error is shown even while a snapshot is awaited", () => {
  const wire = live(10);
  wire.say(frame(12));
  wire.say({ type: "error", seq: 13, code: "x", message: "no", ref: null });
  assert.deepEqual(got.map(({ type }) => type), ["snapshot", "error"]);
});

test("a lost connection comes back with the last sequence number", () => {
  live(10).say(frame(11));
  FakeSocket.last.end();
  assert.equal(states.at(-1).state, "reconnecting");
  timers.pass(250);
  FakeSocket.last.accept();
  assert.equal(FakeSocket.made.length, 2);
  assert.deepEqual(FakeSocket.last.sent[0].last_seq, 11);
});

test("a new connection may count from anywhere", () => {
  live(500);
  FakeSocket.last.end();
  timers.pass(250);
  FakeSocket.last.accept();
  FakeSocket.last.say(snapshot(1));
  FakeSocket.last.say(frame(2));
  assert.deepEqual(got.map(({ seq }) => seq), [500, 1, 2]);
});

test("tries come at 0.25, 0.5, 1, 2, 4, 5 and 5 seconds, and start over after a snapshot", () => {
  live();
  for (const delay of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
    const before = FakeSocket.made.length;
    FakeSocket.last.end();
    timers.pass(delay - 1);
    assert.equal(FakeSocket.made.length, before);
    timers.pass(1);
    assert.equal(FakeSocket.made.length, before + 1);
  }
  FakeSocket.last.accept();
  FakeSocket.last.say(snapshot(1));
  FakeSocket.last.end();
  const before = FakeSocket.made.length;
  timers.pass(250);
  assert.equal(FakeSocket.made.length, before + 1);
});

test("the wait is shortened by chance by up to half, so that browsers do not come back together", () => {
  assert.equal(backOff(3, () => 0), 1000);
  assert.equal(backOff(3, () => 1), 2000);
  assert.equal(backOff(0, () => 0), 250);
  assert.equal(backOff(50, () => 1), 5000);
});

test("a wait can be cut short", () => {
  live();
  FakeSocket.last.end();
  socket.retryNow();
  assert.equal(FakeSocket.made.length, 2);
  socket.retryNow();
  timers.pass(10_000 - 1);
  assert.equal(FakeSocket.made.length, 2);
});

test("being logged out and a replay of someone else end it for good", () => {
  for (const [code, word] of [[4401, "logged out"], [4404, "no such replay"]]) {
    const wire = live();
    wire.end(code);
    const count = FakeSocket.made.length;
    timers.pass(60_000);
    assert.equal(FakeSocket.made.length, count);
    assert.equal(states.at(-1).state, "stopped");
    assert.equal(states.at(-1).code, code);
    assert.match(states.at(-1).reason, new RegExp(word));
  }
});

test("a slow browser and a moved replay connect again", () => {
  for (const [code, word] of [[4408, "fell behind"], [4409, "moved the replay"]]) {
    const wire = live();
    wire.end(code);
    assert.equal(states.at(-1).state, "reconnecting");
    assert.match(states.at(-1).reason, new RegExp(word));
    const count = FakeSocket.made.length;
    timers.pass(250);
    assert.equal(FakeSocket.made.length, count + 1);
  }
});

test("a live line that is silent for fifteen seconds is given up and opened anew", () => {
  const wire = live(1);
  timers.pass(14_000);
  wire.say(frame(2));
  timers.pass(14_000);
  assert.ok(!wire.closedByPage);
  timers.pass(1_000);
  assert.equal(wire.closedByPage, true);
  assert.equal(states.at(-1).state, "reconnecting");
});

test("a connection that brings no snapshot in ten seconds is given up", () => {
  socket.open();
  FakeSocket.last.accept();
  timers.pass(10_000);
  assert.equal(FakeSocket.made[0].closedByPage, true);
  timers.pass(250);
  assert.equal(FakeSocket.made.length, 2);
});

test("nothing is acknowledged on a connection that has ended", () => {
  const wire = live();
  wire.end();
  const count = wire.sent.length;
  timers.pass(200);
  assert.equal(wire.sent.length, count);
});

test("a late event of an old connection changes nothing", () => {
  const old = live();
  const { onmessage, onclose } = old;
  old.end();
  timers.pass(250);
  FakeSocket.last.accept();
  FakeSocket.last.say(snapshot(1));
  onmessage({ data: JSON.stringify(frame(11)) });
  onclose({ code: 1006 });
  assert.equal(got.length, 2);
  assert.equal(states.at(-1).state, "live");
});

test("a closed page does not connect again", () => {
  const wire = live();
  socket.close();
  wire.end(1000);
  timers.pass(60_000);
  assert.equal(FakeSocket.made.length, 1);
});

test("a message that cannot be read asks for a snapshot", (t) => {
  t.mock.method(console, "error", () => {});
  const wire = live(10);
  wire.say(frame(11, [{ chart: "c", bars: { t: [1], o: [], h: [], l: [], c: [], v: [] }, marks: [] }]));
  assert.deepEqual(wire.sentTypes(), ["hello", "resync"]);
  wire.say("not json");
  assert.deepEqual(wire.sentTypes(), ["hello", "resync"]);
});

test("the end of a job is told with no job", () => {
  const wire = live(10);
  wire.say({ type: "job", seq: 11, job: { id: 1, kind: "prepare", state: "running", done: 1, total: 4, message: "", eta_seconds: null } });
  wire.say({ type: "job", seq: 12, job: null });
  assert.deepEqual(got.map(({ job }) => job?.id ?? null), [null, 1, null]);
  assert.deepEqual(wire.sentTypes(), ["hello"]);
});

test("a snapshot that cannot be read stops the page with the field's name, instead of asking for ever", (t) => {
  t.mock.method(console, "error", () => {});
  const wire = live(10);
  wire.say(snapshot(11, { charts: [chart("c", [], { timeframe: "7m" })] }));
  assert.equal(states.at(-1).state, "stopped");
  assert.match(states.at(-1).reason, /charts\[0\]\.timeframe/);
  timers.pass(60_000);
  assert.equal(FakeSocket.made.length, 1);
});

test("a kind of message that this page does not know is counted and left alone", () => {
  const wire = live(10);
  wire.say({ type: "fill", seq: 11 });
  wire.say(frame(12));
  assert.deepEqual(wire.sentTypes(), ["hello"]);
});
