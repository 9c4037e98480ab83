import assert from "node:assert/strict";
import { test } from "node:test";

import { Bars } from "../../static/js/chart/bars.js";
import { Feed, mergeMarks } from "../../static/js/net/feed.js";
import { Store } from "../../static/js/workspace/store.js";
import { bars, chart, clock, frame, roll, session, snapshot } from "./fakes.js";

const A = [300, 10, 12, 9, 11, 100];
const B = [600, 11, 15, 11, 14, 80];
const B2 = [600, 11, 16, 10, 16, 140];
const C = [900, 16, 17, 15, 15, 30];

const plain = (value) => JSON.parse(JSON.stringify(value));

test("a changed bar replaces the one with its time and later ones are appended", () => {
  const series = new Bars(bars([A, B]));
  assert.equal(series.merge(bars([B2, C])), 1);
  assert.deepEqual(plain(series), bars([A, B2, C]));
});

test("an empty change touches nothing", () => {
  const series = new Bars(bars([A]));
  assert.equal(series.merge(bars([])), 1);
  assert.deepEqual(plain(series), bars([A]));
});

test("a bar that was missing is put in its place", () => {
  const series = new Bars(bars([A, C]));
  assert.equal(series.merge(bars([B])), 1);
  assert.deepEqual(plain(series), bars([A, B, C]));
});

test("bars are found by the time they opened", () => {
  const series = new Bars(bars([A, B, C]));
  assert.equal(series.indexOf(600), 1);
  assert.equal(series.indexOf(601), -1);
  assert.equal(series.at(2).c, 15);
  assert.equal(series.at(-1), null);
  assert.equal(series.at(3), null);
});

test("merging copies: the message may be reused", () => {
  const message = bars([A]);
  const series = new Bars(message);
  series.merge(bars([B]));
  assert.equal(message.t.length, 1);
});

function storeAfter(messages) {
  const store = new Store();
  const feed = new Feed(store);
  for (const message of messages) feed.apply(message);
  return store;
}

test("an old snapshot with the frames after it gives what a fresh snapshot gives", () => {
  const old = storeAfter([
    snapshot(1, { charts: [chart("c", [A, B])] }),
    frame(2, [{ chart: "c", bars: bars([B2]), marks: [] }]),
    frame(3, [{ chart: "c", bars: bars([B2, C]), marks: [roll()] }], { playing: true }),
  ]);
  const fresh = storeAfter([snapshot(9, { charts: [chart("c", [A, B2, C], { marks: [roll()] })], clock: clock({ playing: true }) })]);
  for (const topic of ["session", "clock", "job", "log", "marks:c"]) {
    assert.deepEqual(plain(old.get(topic)), plain(fresh.get(topic)), topic);
  }
  assert.deepEqual(plain(old.get("bars:c").bars), plain(fresh.get("bars:c").bars));
});

test("a change tells from which bar on it reaches", () => {
  const store = storeAfter([snapshot(1, { charts: [chart("c", [A, B])] })]);
  const seen = [];
  store.subscribe("bars:c", ({ from, reset }) => seen.push([from, reset]));
  new Feed(store).apply(frame(2, [{ chart: "c", bars: bars([B2, C]), marks: [] }]));
  assert.deepEqual(seen, [[0, true], [1, false]]);
});

test("a chart message draws the chart anew and puts the clock where it belongs", () => {
  const clock = { playhead: "77", playing: false, speed: 1 };
  const message = { type: "chart", seq: 2, clock, ...chart("c", [A], { timeframe: "1h" }) };
  const store = storeAfter([snapshot(1, { charts: [chart("c", [A, B, C])] }), message]);
  const { bars: series, timeframe, reset } = store.get("bars:c");
  assert.deepEqual([series.length, timeframe, reset], [1, "1h", true]);
  assert.equal(store.get("clock").playhead, "77");
});

test("a frame for a chart that was closed is left alone", () => {
  const store = storeAfter([snapshot(1), frame(2, [{ chart: "gone", bars: bars([A]), marks: [] }])]);
  assert.equal(store.get("bars:gone"), undefined);
});

test("the clock is set after the bars, so that nobody sees a playhead without its bar", () => {
  const store = storeAfter([snapshot(1, { charts: [chart("c", [A])] })]);
  const order = [];
  store.subscribe("bars:c", () => order.push("bars"));
  store.subscribe("clock", () => order.push("clock"));
  order.length = 0;
  new Feed(store).apply(frame(2, [{ chart: "c", bars: bars([B]), marks: [] }]));
  assert.deepEqual(order, ["bars", "clock"]);
});

test("a chart of another asset that has no bars shows none of the asset before", () => {
  const store = storeAfter([snapshot(1, { charts: [chart("c", [A, B])] }), snapshot(2, { session: session({ root: "CL" }), charts: [] })]);
  assert.deepEqual([store.get("bars:c").bars.length, store.get("bars:c").reset], [0, true]);
});

test("a chart keeps its bars while the same asset is being loaded again", () => {
  const store = storeAfter([snapshot(1, { charts: [chart("c", [A, B])] }), snapshot(2, { charts: [], clock: null })]);
  assert.equal(store.get("bars:c").bars.length, 2);
});

test("a roll is replaced when its volumes become known", () => {
  const marks = mergeMarks([roll()], [roll({ from_volume: 1, to_volume: 2 })]);
  assert.equal(marks.length, 1);
  assert.equal(marks[0].to_volume, 2);
});

test("a snapshot of a replay that still loads has no clock", () => {
  const store = storeAfter([snapshot(1, { session: session({ state: "loading" }), clock: null, job: { id: 1, state: "running", done: 1, total: 4 } })]);
  assert.equal(store.get("clock"), undefined);
  assert.equal(store.get("job").done, 1);
});

test("the page's own log lines stay when a snapshot brings the server's", () => {
  const store = new Store();
  const feed = new Feed(store);
  feed.note("warn", "Connecting again.", 50);
  feed.apply(snapshot(1, { log: [{ at: 10, level: "info", text: "first" }, { at: 90, level: "info", text: "last" }] }));
  feed.apply(snapshot(2, { log: [{ at: 10, level: "info", text: "first" }] }));
  feed.apply({ type: "log", seq: 3, line: { at: 60, level: "info", text: "later" } });
  assert.deepEqual(store.get("log").map(({ text }) => text), ["first", "Connecting again.", "later"]);
});

test("the log keeps five hundred lines", () => {
  const store = new Store();
  const feed = new Feed(store);
  for (let at = 0; at < 700; at += 1) feed.apply({ type: "log", seq: at, line: { at, level: "info", text: String(at) } });
  assert.equal(store.get("log").length, 500);
  assert.equal(store.get("log")[0].text, "200");
});

test("an error is a topic of its own and a line in the log", () => {
  const store = storeAfter([{ type: "error", seq: 1, code: "bad_seek", message: "Outside.", ref: "seek" }]);
  assert.deepEqual(store.get("error"), { code: "bad_seek", message: "Outside.", ref: "seek" });
  assert.equal(store.get("log")[0].level, "error");
});
