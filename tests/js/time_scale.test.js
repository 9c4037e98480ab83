import assert from "node:assert/strict";
import { test } from "node:test";

import { etScaleBehavior, etScaleOptions, labelShift, weightBetween } from "../../static/js/chart/time_scale.js";
import { etWallSeconds } from "../../static/js/ui/time.js";

const utc = (text) => Date.parse(text) / 1000;
const weight = (now, before) => weightBetween(etWallSeconds(utc(now)), etWallSeconds(utc(before)));

/** Stands for the library's class: its points carry the time in an object of its own. */
class Base {
  key(item) {
    return item.hidden;
  }

  maxTickMarkWeight(marks) {
    return Math.max(...marks);
  }
}

function weights(times, { startIndex = 0, known = [], timeframe = "5m" } = {}) {
  const points = times.map((text, index) => ({ time: { hidden: utc(text) }, timeWeight: known[index] ?? -1 }));
  const Behavior = etScaleBehavior(Base, () => timeframe);
  new Behavior().fillWeightsForPoints(points, startIndex);
  return points.map(({ timeWeight }) => timeWeight);
}

test("the day mark stands at midnight ET, in winter and in summer", () => {
  assert.equal(weight("2026-01-15T05:00:00Z", "2026-01-15T04:59:00Z"), 50);
  assert.equal(weight("2026-07-15T04:00:00Z", "2026-07-15T03:59:00Z"), 50);
  assert.notEqual(weight("2026-07-15T00:00:00Z", "2026-07-14T23:59:00Z"), 50);
});

test("weeks begin with the first day after a weekend, months with their first Monday", () => {
  assert.equal(weight("2026-03-16T04:00:00Z", "2026-03-16T03:55:00Z"), 60);
  assert.equal(weight("2026-04-01T04:00:00Z", "2026-04-01T03:55:00Z"), 50);
  assert.equal(weight("2026-04-06T04:00:00Z", "2026-04-06T03:55:00Z"), 70);
  assert.equal(weight("2026-01-20T05:00:00Z", "2026-01-16T21:55:00Z"), 60);
});

test("a Sunday evening is no day of its own, so that Monday has its label", () => {
  assert.equal(weight("2026-03-15T22:00:00Z", "2026-03-13T20:55:00Z"), 32);
  assert.equal(weight("2026-03-16T04:00:00Z", "2026-03-16T03:00:00Z"), 60);
});

test("a Sunday that follows a traded Saturday is a day like the others", () => {
  assert.equal(weight("2026-06-06T04:00:00Z", "2026-06-06T03:00:00Z"), 50);
  assert.equal(weight("2026-06-07T04:00:00Z", "2026-06-07T03:00:00Z"), 50);
  assert.equal(weight("2026-06-07T05:00:00Z", "2026-06-07T04:00:00Z"), 30);
  assert.equal(weight("2026-06-08T04:00:00Z", "2026-06-08T03:00:00Z"), 60);
  assert.equal(weight("2026-06-08T04:00:00Z", "2026-06-08T00:00:00Z"), 60);
});

test("hours and minutes have marks where the ET clock shows them in full", () => {
  assert.equal(weight("2026-03-18T16:00:00Z", "2026-03-18T15:55:00Z"), 33);
  assert.equal(weight("2026-03-18T22:00:00Z", "2026-03-18T20:55:00Z"), 32);
  assert.equal(weight("2026-03-18T13:30:00Z", "2026-03-18T13:25:00Z"), 22);
  assert.equal(weight("2026-03-18T13:45:00Z", "2026-03-18T13:40:00Z"), 21);
  assert.equal(weight("2026-03-18T13:31:00Z", "2026-03-18T13:30:00Z"), 10);
});

test("the hour that comes twice in November still gets its mark", () => {
  assert.equal(weight("2026-11-01T06:00:00Z", "2026-11-01T05:55:00Z"), 30);
});

test("a new point is weighed against the one before it", () => {
  const times = ["2026-03-18T13:30:00Z", "2026-03-18T13:35:00Z", "2026-03-18T14:00:00Z"];
  assert.deepEqual(weights(times, { startIndex: 2 }), [-1, -1, 30]);
});

test("a mark that comes too early after one as heavy has no weight, as the evening after an early close", () => {
  const times = ["2026-11-27T17:00:00Z", "2026-11-27T18:00:00Z", "2026-11-29T23:00:00Z", "2026-11-30T00:00:00Z"];
  assert.deepEqual(weights(times, { timeframe: "1h" }), [0, 30, 32, 30]);
  assert.deepEqual(weights(times, { startIndex: 2, known: [33, 30], timeframe: "1h" }), [33, 30, 0, 30]);
});

test("the first point has no mark: what came before it is not known", () => {
  assert.deepEqual(weights(["2026-03-18T04:00:00Z", "2026-03-18T04:05:00Z"]), [0, 20]);
  assert.deepEqual(weights(["2026-03-18T04:00:00Z"]), [0]);
  assert.deepEqual(weights([]), []);
});

test("every day's label is bold, whatever else is in view", () => {
  const behavior = new (etScaleBehavior(Base, () => "5m"))();
  assert.equal(behavior.maxTickMarkWeight([50, 70]), 50);
  assert.equal(behavior.maxTickMarkWeight([20, 30]), 30);
});

test("a daily bar is labelled with its trade date, not with the evening it opened on", () => {
  const options = etScaleOptions(() => "1D");
  const sundayOpen = utc("2026-03-15T22:00:00Z");
  assert.equal(options.timeScale.tickMarkFormatter(sundayOpen, 2), "16 Mar");
  assert.equal(options.timeScale.tickMarkFormatter(sundayOpen, 3), "16 Mar");
  assert.equal(options.localization.timeFormatter(sundayOpen), "Mon 16 Mar 2026");
  assert.equal(labelShift("4h"), 0);
});

test("axis and crosshair tell ET", () => {
  const options = etScaleOptions(() => "5m");
  const open = utc("2026-03-18T13:30:00Z");
  assert.equal(options.timeScale.tickMarkFormatter(open, 3), "09:30");
  assert.equal(options.timeScale.tickMarkFormatter(open, 2), "18 Mar");
  assert.equal(options.timeScale.tickMarkFormatter(utc("2026-06-07T04:00:00Z"), 2), "Sun 7");
  assert.equal(options.timeScale.tickMarkFormatter(utc("2026-01-05T05:00:00Z"), 0), "5 Jan 2026");
  assert.equal(options.localization.timeFormatter(open), "Wed 18 Mar 2026  09:30");
});

test("the crosshair tells which of the two hours from one to two it is in November", () => {
  const { timeFormatter } = etScaleOptions(() => "1h").localization;
  const at = (hour) => timeFormatter(utc(`2026-11-01T${hour}:00:00Z`)).slice(16).trimStart();
  assert.deepEqual(["04", "05", "06", "07"].map(at), ["00:00", "01:00 EDT", "01:00 EST", "02:00"]);
});
