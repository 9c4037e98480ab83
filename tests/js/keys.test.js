import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf } from "../../static/js/replay/keys.js";

const press = (key, changes = {}, where = "page") =>
  commandOf({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...changes }, where);

test("space plays and pauses", () => {
  assert.deepEqual(press(" "), { action: "toggle" });
});

test("space held down does not play and pause in turn", () => {
  assert.equal(press(" ", { repeat: true }), null);
});

test("arrows step by the second forward and by the bar back", () => {
  assert.deepEqual(press("ArrowRight"), { action: "step", unit: "second", count: 1 });
  assert.deepEqual(press("ArrowRight", { shiftKey: true }), { action: "step", unit: "bar", count: 1 });
  assert.deepEqual(press("ArrowLeft"), { action: "step", unit: "bar", count: -1 });
  assert.deepEqual(press("ArrowLeft", { shiftKey: true }), { action: "step", unit: "second", count: -1 });
});

test("an arrow held down goes on stepping", () => {
  assert.deepEqual(press("ArrowRight", { repeat: true }), { action: "step", unit: "second", count: 1 });
});

test("plus and minus change the speed on every keyboard", () => {
  for (const [key, shiftKey] of [["+", false], ["+", true], ["=", false]]) {
    assert.deepEqual(press(key, { shiftKey }), { action: "faster", direction: 1 });
  }
  assert.deepEqual(press("-"), { action: "faster", direction: -1 });
});

test("g opens the jump, digits choose the nine timeframes", () => {
  assert.deepEqual(press("g"), { action: "jump" });
  assert.deepEqual(press("1"), { action: "timeframe", timeframe: "1m" });
  assert.deepEqual(press("6"), { action: "timeframe", timeframe: "90m" });
  assert.deepEqual(press("9"), { action: "timeframe", timeframe: "1D" });
  assert.equal(press("0"), null);
});

test("nothing happens while someone types in a field", () => {
  for (const key of [" ", "ArrowLeft", "g", "5", "+"]) assert.equal(press(key, {}, "field"), null);
});

test("a focused button keeps its own space, other keys still work there", () => {
  assert.equal(press(" ", {}, "control"), null);
  assert.deepEqual(press("g", {}, "control"), { action: "jump" });
});

test("the browser's own shortcuts are left alone", () => {
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
    assert.equal(press("ArrowLeft", { [modifier]: true }), null);
    assert.equal(press("1", { [modifier]: true }), null);
  }
});

test("keys without a meaning mean nothing", () => {
  for (const key of ["a", "Enter", "Escape", "ArrowUp", "F5"]) assert.equal(press(key), null);
  assert.equal(press("ArrowUp", { shiftKey: true }), null);
});
