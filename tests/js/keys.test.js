import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf, focusKind } from "../../static/js/replay/keys.js";

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

test("space plays where a select has the focus, which keeps the other keys", () => {
  assert.deepEqual(press(" ", {}, "choice"), { action: "toggle" });
  for (const key of ["g", "5", "ArrowRight", "+"]) assert.equal(press(key, {}, "choice"), null);
});

test("a button outside of the workspace keeps its own space, other keys still work there", () => {
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

/** An element that is what `names` say, in the workspace or not. */
const element = (names, isInWorkspace) => ({
  matches: (selector) => selector.split(", ").some((part) => names.includes(part)),
  closest: () => (isInWorkspace ? {} : null),
});

test("in the workspace only what is typed into keeps the space key", () => {
  assert.equal(focusKind(null), "page");
  assert.equal(focusKind(element(["button"], true)), "page");
  assert.equal(focusKind(element(["select"], true)), "choice");
  assert.equal(focusKind(element(["input:not([type=button]):not([type=submit])", "input"], true)), "field");
});

test("in the form and the menus over it space stays what it is in the browser", () => {
  assert.equal(focusKind(element(["button"], false)), "control");
  assert.equal(focusKind(element(["summary"], false)), "control");
  assert.equal(focusKind(element(["select"], false)), "field");
});
