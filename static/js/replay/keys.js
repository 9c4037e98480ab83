import { TIMEFRAMES } from "../net/protocol.js";

/** Keys of the replay bar, where focus is not in a field. Later slices read them from the user's hotkeys. */
const PLAIN = {
  " ": { action: "toggle" },
  ArrowRight: { action: "step", unit: "second", count: 1 },
  ArrowLeft: { action: "step", unit: "bar", count: -1 },
  "+": { action: "faster", direction: 1 },
  "=": { action: "faster", direction: 1 },
  "-": { action: "faster", direction: -1 },
  _: { action: "faster", direction: -1 },
  g: { action: "jump" },
  G: { action: "jump" },
};
const SHIFTED = {
  ArrowRight: { action: "step", unit: "bar", count: 1 },
  ArrowLeft: { action: "step", unit: "second", count: -1 },
};

/**
 * What a key press asks for, or null. `where` is "field" (typing), "control" (a focused button or link, which
 * Space presses by itself) or "page".
 */
export function commandOf({ key, shiftKey, ctrlKey, metaKey, altKey, repeat }, where) {
  if (ctrlKey || metaKey || altKey || where === "field") return null;
  if (key === " " && (where === "control" || repeat)) return null;
  if (shiftKey && SHIFTED[key]) return SHIFTED[key];
  if (shiftKey && key.startsWith("Arrow")) return null;
  if (/^[1-9]$/.test(key)) return { action: "timeframe", timeframe: TIMEFRAMES[Number(key) - 1] };
  return PLAIN[key] ?? null;
}

/** Where the focus is, for `commandOf`. */
export function focusKind(element) {
  if (!element) return "page";
  if (element.isContentEditable || element.matches("textarea, select")) return "field";
  if (element.matches("input:not([type=button]):not([type=submit])")) return "field";
  return element.matches("button, a[href], summary, input") ? "control" : "page";
}
