import assert from "node:assert/strict";
import { test } from "node:test";

import { rateText, unitsText } from "../../static/js/jobs/row.js";
import { JobsSocket } from "../../static/js/net/jobs_socket.js";
import { duration } from "../../static/js/ui/time.js";
import { FakeSocket } from "./fakes.js";

test("a row tells units, rate and what is left", () => {
  assert.equal(unitsText({ done: 5, total: 17, rate: 2.1, eta_seconds: 6 }), "5 of 17 · 2.1 a second · about 6 s left");
  assert.equal(unitsText({ done: 5, total: 17, rate: null, eta_seconds: null }), "5 of 17");
  assert.equal(unitsText({ done: 17, total: 17, rate: 2.1, eta_seconds: null }), "17 of 17");
  assert.equal(unitsText({ done: 0, total: 0, rate: null, eta_seconds: null }), "");
});

test("an import is told in kilobytes or megabytes", () => {
  const job = { kind: "import", done: 93576, total: 134019, rate: 80734, eta_seconds: 1 };
  assert.equal(unitsText(job), "91.4 of 130.9 MB · 78.8 MB a second · about 1 s left");
  assert.equal(unitsText({ ...job, done: 93, total: 134, rate: 50 }), "93 of 134 KB · 50 KB a second · about 1 s left");
  assert.equal(unitsText({ ...job, eta_seconds: null }), "91.4 of 130.9 MB");
});

test("slow work is told by the minute", () => {
  assert.deepEqual([2.14, 25.4, 1, 0.5, 0.02].map(rateText), ["2.1 a second", "25 a second", "1.0 a second", "30 a minute", "1.2 a minute"]);
});

test("a duration is written as the server writes it", () => {
  assert.deepEqual([0, 59.9, 65, 3600, 7207, -3].map(duration), ["0:00", "0:59", "1:05", "1:00:00", "2:00:07", "0:00"]);
});

function opened(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const heard = { states: [], jobs: [], ready: 0 };
  const socket = new JobsSocket({
    url: "ws://here/ws/jobs/",
    onReady: () => (heard.ready += 1),
    onJob: (job) => heard.jobs.push(job.id),
    onState: (state) => heard.states.push(state),
    WebSocketClass: FakeSocket,
    random: () => 1,
  });
  FakeSocket.made = [];
  socket.open();
  return { socket, heard, pass: (ms) => context.mock.timers.tick(ms) };
}

test("each connection asks for what changed before it", (context) => {
  const { heard, pass } = opened(context);
  FakeSocket.last.say({ type: "ready" });
  FakeSocket.last.say({ type: "job", job: { id: 7 } });
  FakeSocket.last.end(1006);
  assert.deepEqual(heard.states, ["connecting", "live", "reconnecting"]);
  pass(250);
  assert.equal(FakeSocket.made.length, 2);
  FakeSocket.last.say({ type: "ready" });
  assert.deepEqual([heard.ready, heard.jobs, heard.states.at(-1)], [2, [7], "live"]);
});

test("a server that is away is tried again later and later", (context) => {
  const { pass } = opened(context);
  for (const delay of [250, 500, 1000]) {
    FakeSocket.last.end(1006);
    const before = FakeSocket.made.length;
    pass(delay - 1);
    assert.equal(FakeSocket.made.length, before);
    pass(1);
    assert.equal(FakeSocket.made.length, before + 1);
  }
});

test("a line that is silent for too long is given up", (context) => {
  const { heard, pass } = opened(context);
  FakeSocket.last.say({ type: "ready" });
  pass(20_000);
  FakeSocket.last.say({ type: "beat" });
  pass(20_000);
  assert.equal(heard.states.at(-1), "live");
  pass(5_000);
  assert.equal(heard.states.at(-1), "reconnecting");
});

test("who was logged out is not connected again", (context) => {
  const { heard, pass } = opened(context);
  FakeSocket.last.end(4401);
  pass(60_000);
  assert.deepEqual([heard.states.at(-1), FakeSocket.made.length], ["stopped", 1]);
});

test("a page that comes back tries at once", (context) => {
  const { socket } = opened(context);
  FakeSocket.last.end(1006);
  socket.retryNow();
  assert.equal(FakeSocket.made.length, 2);
  socket.retryNow();
  assert.equal(FakeSocket.made.length, 2);
});

test("a page that is left hangs up", (context) => {
  const { socket, pass } = opened(context);
  socket.close();
  pass(60_000);
  assert.deepEqual([FakeSocket.last.closedByPage, FakeSocket.made.length], [true, 1]);
});
