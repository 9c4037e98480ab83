import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Follow, RIGHT_SPACE } from "../../static/js/chart/follow.js";

/** Stands for the library's chart and time scale: a position in bars past the last one, and one listener. */
class FakeTimeScale {
  position = 0;
  range = { from: 1, to: 2 };
  restored = null;
  barSpacing = 6;
  chartOptions = {};

  subscribeVisibleLogicalRangeChange(listener) {
    this.listener = listener;
  }

  unsubscribeVisibleLogicalRangeChange() {
    this.listener = null;
  }

  width = () => 800;
  timeScale = () => this;
  options = () => ({ barSpacing: this.barSpacing });

  /** Those of the time scale and those of the chart: the test knows them by their names. */
  applyOptions(options) {
    Object.assign(this.chartOptions, options);
    this.barSpacing = options.barSpacing ?? this.barSpacing;
  }

  scrollPosition = () => this.position;
  getVisibleRange = () => this.range;
  setVisibleRange = (range) => (this.restored = range);

  scrollToPosition(position) {
    this.position = position;
    this.listener?.();
  }

  /** New bars push the view back, as the library does with its own shifting switched off. */
  addBars(count) {
    this.position -= count;
    this.listener?.();
  }
}

let scale;
let follow;
let told;

beforeEach(() => {
  scale = new FakeTimeScale();
  told = [];
  follow = new Follow(scale, (following) => told.push(following));
  follow.fresh(() => {}, 1000);
});

const HOME = RIGHT_SPACE / 8;

test("a fresh chart shows its newest bar with room to its right", () => {
  assert.equal(scale.position, HOME);
  assert.equal(scale.barSpacing, 8);
});

test("a chart of a few bars draws them wider", () => {
  follow.fresh(() => {}, 60);
  assert.ok(scale.barSpacing > 12);
  follow.fresh(() => {}, 3);
  assert.equal(scale.barSpacing, 40);
  assert.equal(scale.position * 40, RIGHT_SPACE);
});

test("nobody scrolls past the first bar", () => {
  assert.deepEqual([scale.chartOptions.handleScroll, scale.chartOptions.timeScale], [true, { fixLeftEdge: true }]);
});

test("a chart that does not fill its view stays on the right, where there is nothing to scroll to", () => {
  follow.fresh(() => {}, 11);
  assert.deepEqual([scale.chartOptions.handleScroll, scale.chartOptions.timeScale], [false, { fixLeftEdge: false }]);
  follow.update(() => scale.addBars(9), 20);
  scale.scrollToPosition(2);
  assert.equal(scale.chartOptions.handleScroll, true);
});

test("new bars are followed, however many come at once", () => {
  follow.update(() => scale.addBars(1), 1001);
  follow.update(() => scale.addBars(50), 1051);
  assert.equal(scale.position, HOME);
  assert.deepEqual(told, []);
});

test("the room that the user left to the right of the newest bar is kept", () => {
  scale.scrollToPosition(30);
  follow.update(() => scale.addBars(3), 1003);
  assert.equal(scale.position, 30);
});

test("who scrolled back stays where he looks, and is told how to come back", () => {
  scale.scrollToPosition(-40);
  assert.deepEqual(told, [false]);
  follow.update(() => scale.addBars(2), 1002);
  assert.equal(scale.position, -42);
  follow.resume();
  assert.equal(scale.position, HOME);
  assert.deepEqual(told, [false, true]);
});

test("scrolling forward to the newest bar follows again", () => {
  scale.scrollToPosition(-40);
  scale.scrollToPosition(2);
  assert.deepEqual(told, [false, true]);
});

test("a chart drawn anew keeps a view into its past on the same times", () => {
  scale.scrollToPosition(-40);
  follow.redraw(() => scale.addBars(0), 1000);
  assert.deepEqual(scale.restored, { from: 1, to: 2 });
});

test("a chart drawn anew while following shows its newest bar", () => {
  follow.redraw(() => scale.addBars(-7), 993);
  assert.equal(scale.position, HOME);
  assert.equal(scale.restored, null);
});
