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
 * What a key press asks for, or null. `where` is "field" (typing), "choice" (a select, which letters and arrows
 * work), "control" (a button or link outside of the workspace, which Space presses) or "page".
 */
export function commandOf({ key, shiftKey, ctrlKey, metaKey, altKey, repeat }, where) {
  if (ctrlKey || metaKey || altKey || where === "field") return null;
  if (key === " " && (where === "control" || repeat)) return null;
  if (where === "choice" && key !== " ") return null;
  if (shiftKey && SHIFTED[key]) return SHIFTED[key];
  if (shiftKey && key.startsWith("Arrow")) return null;
  if (/^[1-9]$/.test(key)) return { action: "timeframe", timeframe: TIMEFRAMES[Number(key) - 1] };
  return PLAIN[key] ?? null;
}

/** Where the focus is, for `commandOf`. In the workspace Space plays, also where a button or select has the focus. */
export function focusKind(element) {
  if (!element) return "page";
  const isInWorkspace = element.closest("main") !== null;
  if (element.matches("select")) return isInWorkspace ? "choice" : "field";
  if (element.isContentEditable || element.matches("textarea, input:not([type=button]):not([type=submit])")) return "field";
  return element.matches("button, a[href], summary, input") && !isInWorkspace ? "control" : "page";
}
