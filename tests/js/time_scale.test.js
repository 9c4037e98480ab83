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
}

function weights(times, { startIndex = 0, shift = 0 } = {}) {
  const points = times.map((text) => ({ time: { hidden: utc(text) }, timeWeight: -1 }));
  const Behavior = etScaleBehavior(Base, () => shift);
  new Behavior().fillWeightsForPoints(points, startIndex);
  return points.map(({ timeWeight }) => timeWeight);
}

test("the day mark stands at midnight ET, in winter and in summer", () => {
  assert.equal(weight("2026-01-15T05:00:00Z", "2026-01-15T04:59:00Z"), 50);
  assert.equal(weight("2026-07-15T04:00:00Z", "2026-07-15T03:59:00Z"), 50);
  assert.notEqual(weight("2026-07-15T00:00:00Z", "2026-07-14T23:59:00Z"), 50);
});

test("months and years begin in ET", () => {
  assert.equal(weight("2026-04-01T04:00:00Z", "2026-04-01T03:55:00Z"), 60);
  assert.equal(weight("2026-01-01T05:00:00Z", "2026-01-01T04:55:00Z"), 70);
});

test("noon and six o'clock marks are those of the ET clock", () => {
  assert.equal(weight("2026-03-18T16:00:00Z", "2026-03-18T15:55:00Z"), 33);
  assert.equal(weight("2026-03-18T22:00:00Z", "2026-03-18T21:55:00Z"), 32);
  assert.equal(weight("2026-03-18T13:30:00Z", "2026-03-18T13:25:00Z"), 22);
  assert.equal(weight("2026-03-18T13:31:00Z", "2026-03-18T13:30:00Z"), 20);
});

test("the hour that comes twice in November still gets its mark", () => {
  assert.equal(weight("2026-11-01T06:00:00Z", "2026-11-01T05:55:00Z"), 30);
});

test("a new point is weighed against the one before it", () => {
  const times = ["2026-03-18T13:30:00Z", "2026-03-18T13:35:00Z", "2026-03-18T14:00:00Z"];
  assert.deepEqual(weights(times, { startIndex: 2 }), [-1, -1, 30]);
});

test("the first point is weighed as if an average step came before it", () => {
  assert.deepEqual(weights(["2026-03-18T04:00:00Z", "2026-03-18T04:05:00Z"]), [50, 21]);
});

test("one point alone keeps the library's own weight", () => {
  assert.deepEqual(weights(["2026-03-18T04:00:00Z"]), [-1]);
});

test("a daily bar is labelled with its trade date, not with the evening it opened on", () => {
  const shift = () => labelShift("1D");
  const options = etScaleOptions(shift, () => true);
  const sundayOpen = utc("2026-03-15T22:00:00Z");
  assert.equal(options.timeScale.tickMarkFormatter(sundayOpen, 2), "16 Mar");
  assert.equal(options.localization.timeFormatter(sundayOpen), "Mon 16 Mar 2026");
  assert.equal(labelShift("4h"), 0);
});

test("axis and crosshair tell ET", () => {
  const options = etScaleOptions(() => 0, () => false);
  const open = utc("2026-03-18T13:30:00Z");
  assert.equal(options.timeScale.tickMarkFormatter(open, 3), "09:30");
  assert.equal(options.timeScale.tickMarkFormatter(open, 2), "18 Mar");
  assert.equal(options.localization.timeFormatter(open), "Wed 18 Mar 2026  09:30");
});
