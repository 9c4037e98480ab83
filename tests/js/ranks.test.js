import assert from "node:assert/strict";
import { test } from "node:test";

import { Bars, Ranks } from "../../static/js/chart/bars.js";
import { forecast, points } from "../../static/js/chart/points.js";
import { RankLines } from "../../static/js/chart/rank_lines.js";
import { lookbackNote, shareOver } from "../../static/js/metrics/forming.js";
import { levelOf, rankText, shownRank } from "../../static/js/metrics/levels.js";
import { countOf, lacks, rowState, shownCell } from "../../static/js/metrics/rows.js";
import { sortRows } from "../../static/js/metrics/sorting.js";
import { Feed } from "../../static/js/net/feed.js";
import { ProtocolError, checkMessage } from "../../static/js/net/protocol.js";
import { Store } from "../../static/js/workspace/store.js";
import { bars, chart, frame, snapshot } from "./fakes.js";

const A = [300, 10, 12, 9, 11, 100];
const B = [600, 11, 15, 11, 14, 80];
const columns = (...rows) => ({ t: rows.map((r) => r[0]), vr: rows.map((r) => r[1]), rr: rows.map((r) => r[2]), n: rows.map((r) => r[3]) });
const METRICS = { t: 600, length: 300, vr: 40, vp: 91.2, rr: 12.5, rp: 55, n: 30 };

function storeAfter(...messages) {
  const store = new Store();
  const feed = new Feed(store);
  for (const message of messages) feed.apply(checkMessage(message));
  return store;
}

test("a rank has the level of the band that it reached", () => {
  assert.deepEqual([79.9, 80, 90, 94.99, 95, 100, null].map(levelOf), ["plain", "raised", "high", "high", "top", "top", "none"]);
});

test("a rank is whole, and 100 or 0 only where it is", () => {
  assert.deepEqual([0, 0.2, 49.5, 99.7, 100, null].map(rankText), ["0", "< 1", "50", "> 99", "100", "—"]);
});

test("among fewer than twenty bars a rank says nothing but that", () => {
  assert.deepEqual(shownRank(97, 19), { text: "n < 20", level: "none", note: "Only 19 bars of this time of day to compare with; below 20 a rank says nothing (n is their number)" });
  assert.equal(shownRank(97, 0).text, "—");
  assert.deepEqual(shownRank(97, 20), { text: "97", level: "top", note: "Among 20 bars of this time of day in the lookback; a session that a holiday makes longer can have two" });
});

test("ranks of closed bars are kept beside the bars, and begin anew with them", () => {
  const ranks = { type: "ranks", seq: 2, chart: "chart-1", timeframe: "5m", reset: true, ranks: columns([300, 50, 60, 30]) };
  const more = { ...ranks, seq: 3, reset: false, ranks: columns([600, 51, 61, 30]) };
  const opened = snapshot(1, { charts: [chart("chart-1", [A])] });
  assert.deepEqual([...storeAfter(opened, ranks, more).get("ranks:chart-1").t], [300, 600]);
  assert.equal(storeAfter(opened, ranks, snapshot(3, { charts: [chart("chart-1", [A])] })).get("ranks:chart-1").length, 0);
});

test("ranks of another timeframe come too late", () => {
  const late = { type: "ranks", seq: 2, chart: "chart-1", timeframe: "1h", reset: true, ranks: columns([300, 50, 60, 30]) };
  assert.equal(storeAfter(snapshot(1, { charts: [chart("chart-1", [A])] }), late).get("ranks:chart-1").length, 0);
});

test("the metrics of the bar in progress are those of the last frame", () => {
  const opened = snapshot(1, { charts: [chart("chart-1", [A])] });
  const told = frame(2, [{ chart: "chart-1", bars: bars([B]), marks: [], metrics: METRICS }]);
  assert.deepEqual(storeAfter(opened, told).get("metrics:chart-1"), METRICS);
});

test("odd metrics are refused at the door", () => {
  const odd = frame(2, [{ chart: "chart-1", bars: bars([B]), marks: [], metrics: { ...METRICS, vp: "high" } }]);
  assert.throws(() => checkMessage(odd), ProtocolError);
  const short = { type: "ranks", seq: 2, chart: "c", timeframe: "5m", ranks: { ...columns([300, 1, 1, 30]), n: [] } };
  assert.throws(() => checkMessage(short), /ranks\.n should be as long/);
});

test("a line has a gap where there was too little to compare with, and ends in the forecast", () => {
  const ranks = new Ranks(columns([0, 50, 60, 19], [300, 70, 80, 20]));
  assert.deepEqual(points(ranks, METRICS, "vp"), [{ time: 0 }, { time: 300, value: 70 }, { time: 600, value: 91.2 }]);
  assert.deepEqual(points(ranks, { ...METRICS, n: 5 }, "rr", 1), [{ time: 300, value: 80 }]);
  assert.deepEqual(points(ranks, { ...METRICS, t: 300 }, "rr", 1), [{ time: 300, value: 80 }]);
});

test("a forecast is drawn of the bar in progress only, from the bar before it", () => {
  const ranks = new Ranks(columns([0, 50, 60, 30], [300, 70, 80, 20]));
  assert.deepEqual(forecast(ranks, METRICS, "vp"), [{ time: 300, value: 70 }, { time: 600, value: 91.2 }]);
  assert.deepEqual(forecast(ranks, null, "vp"), []);
});

/** A line that takes points as the library's does: at its end only. */
class Line {
  data = [];

  setData(points) {
    this.data = [...points];
  }

  update(point) {
    const end = this.data.at(-1)?.time ?? -Infinity;
    if (point.time < end) throw new Error("Cannot update oldest data");
    if (point.time === end) this.data.pop();
    this.data.push(point);
  }
}

/** Draws (ranks, metrics) one after the other, and what ends up in the line of volume ranks. */
function drawn(frames) {
  const line = new Line();
  const lines = new RankLines([["vr", line], ["vp", new Line()]]);
  for (const [ranks, metrics] of frames) {
    lines.draw(ranks, metrics);
    assert.deepEqual(line.data, points(ranks, metrics, "vr"));
  }
  return line.data;
}

const forming = (t) => ({ ...METRICS, t });

test("the rank of a bar may come when the next one is drawn already", () => {
  const ranks = new Ranks(columns([300, 50, 60, 30]));
  const frames = function* () {
    yield [ranks, forming(600)];
    yield [ranks, forming(900)];
    ranks.merge(columns([600, 70, 80, 30]));
    yield [ranks, forming(900)];
  };
  assert.deepEqual(drawn(frames()).map(({ time, value }) => [time, value]), [[300, 50], [600, 70], [900, 40]]);
});

test("ranks are drawn in whatever order they come, and a forming bar that is gone leaves nothing", () => {
  const ranks = new Ranks(columns([300, 50, 60, 30], [900, 51, 61, 30]));
  const frames = function* () {
    yield [ranks, forming(1200)];
    yield [ranks, null];
    ranks.merge(columns([600, 70, 80, 30]));
    yield [ranks, forming(1200)];
    ranks.merge(columns([300, 99, 80, 30]));
    yield [ranks, null];
    yield [new Ranks(), null];
    yield [new Ranks(columns([600, 1, 1, 30])), forming(900)];
  };
  drawn(frames());
});

test("a bar that comes between two drawn ones has the chart drawn anew", () => {
  const known = new Bars(bars([A, [900, 1, 1, 1, 1, 1]]));
  const before = { count: 2, last: 900 };
  assert.equal(known.goesOnFrom(1, before), true);
  const from = known.merge(bars([B]));
  assert.equal(known.goesOnFrom(from, before), false);
  assert.equal(known.goesOnFrom(known.merge(bars([[1200, 1, 1, 1, 1, 1]])), { count: 3, last: 900 }), true);
});

test("the share of a bar is that of its own length", () => {
  assert.equal(shareOver(METRICS, { playhead: "675000000000" }), 0.25);
  assert.equal(shareOver(METRICS, { playhead: "999000000000" }), 1);
  assert.equal(shareOver({ t: 600 }, { playhead: "675000000000" }), null);
});

test("what the sample lacks is said in one breath", () => {
  assert.equal(lookbackNote({ stored: 251, wanted: 251, job: null }), "");
  assert.equal(lookbackNote({ stored: 11, wanted: 251, job: null }), "11 of 251 sessions ready");
  assert.equal(lookbackNote({ stored: 11, wanted: 251, job: { state: "running", done: 60, total: 240 } }), "fetching 240 sessions 25 %");
  assert.equal(lookbackNote({ stored: 11, wanted: 251, job: { state: "asking", cost: "$4.20" } }), "240 more sessions cost about $4.20");
});

test("the board sorts by a timeframe's metric, and what has no value stays below", () => {
  const row = (root, vp, n) => ({ root, cells: { "5m": { vp, n } } });
  const rows = [row("GC", 40, 30), row("CL", 99, 12), row("NQ", 80, 30), { root: "6E", cells: {} }];
  const order = (by, descending) => sortRows(rows, { by, descending }, "vp").map(({ root }) => root);
  assert.deepEqual(order("5m", true), ["NQ", "GC", "6E", "CL"]);
  assert.deepEqual(order("5m", false), ["GC", "NQ", "6E", "CL"]);
  assert.deepEqual(order("asset", false), ["6E", "CL", "GC", "NQ"]);
});

const CELL = { t: 36000, length: 60, vr: 40, vp: 91, rr: 12, rp: 55, n: 30 };
const READY = { root: "GC", state: "ready", percent: null, at: 36030, cells: { "1m": CELL, "5m": null } };

test("a cell is old when the row is of a moment in a bar that is over since", () => {
  const of = (row, now) => shownCell({ ...READY, ...row }, "1m", "vp", now);
  assert.equal(of({}, 36030).old, false);
  assert.equal(of({}, 36059).old, false);
  assert.equal(of({}, 36060).old, true);
  assert.match(of({}, 36060).note, /Of 05:00:30 ET: the bar is over since/);
  // of the end of the bar, as when the market is closed: that is final
  assert.equal(of({ at: 36060 }, 36900).old, false);
});

test("a cell's tooltip names its metric, and how far its forecast usually misses", () => {
  const of = (cell, metric) => shownCell({ ...READY, cells: { "1m": cell } }, "1m", metric, 36030).note;
  assert.match(of({ ...CELL, vpe: 4.4 }, "vp"), /^Vol Pending 91 ±4\. Among 30 bars/);
  assert.match(of({ ...CELL, vpe: 4.4 }, "vr"), /^Vol Rank 40\. Among 30 bars/);
  assert.match(of({ ...CELL, n: 3 }, "rp"), /^Range Pending\. Only 3 bars/);
});

test("computed, fetched, not stored and without a sample are told apart", () => {
  const note = (state) => shownCell({ ...READY, state, cells: {} }, "5m", "vp", 0).note;
  const notes = ["computing", "queued", "fetching", "asking", "absent", "silent", "unranked", "closed"].map(note);
  assert.equal(new Set(notes).size, 8);
  assert.equal(note("computing"), "Its ranks are being computed");
  assert.equal(shownCell(READY, "5m", "vp", 36030).note, "Vol Pending. No bars of this time of day are stored within the lookback");
});

test("a row says how far its fetching is, and of which moment its values are", () => {
  assert.deepEqual(rowState(READY), { text: "", title: null });
  assert.equal(rowState({ ...READY, state: "fetching", percent: 40 }).text, "fetching 40 %");
  assert.match(rowState({ ...READY, state: "computing" }).title, /is of 05:00:30 ET/);
  assert.match(rowState({ ...READY, state: "absent", at: null }).title, /not stored; Fetch all assets gets it\.$/);
});

test("a job that has not begun is queued, not fetching, and what lacks its lookback can be fetched", () => {
  assert.equal(rowState({ ...READY, state: "queued", percent: 0 }).text, "queued");
  assert.equal(rowState({ ...READY, state: "unranked" }).text, "no lookback");
  assert.deepEqual(["absent", "unranked", "queued", "fetching", "ready", "closed"].map((state) => lacks({ state })), [true, true, false, false, false, false]);
});

test("the board counts the assets that have values", () => {
  const empty = { cells: { "5m": null } };
  assert.deepEqual([countOf([]), countOf([READY, empty]), countOf([READY, READY]), countOf([READY])], ["", "1 of 2 assets", "2 assets", "1 asset"]);
});

test("a row of the board has a state and a moment", () => {
  const board = (row) => ({ type: "board", seq: 1, board: { rows: [row] } });
  assert.equal(checkMessage(board(READY)).board.rows.length, 1);
  assert.throws(() => checkMessage(board({ ...READY, state: "odd" })), /state/);
  assert.throws(() => checkMessage(board({ ...READY, at: "now" })), /at/);
});
