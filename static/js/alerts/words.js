/** An alert and its firings in words. */

import { etClock, etDay } from "../ui/time.js";

const METRICS = { vol_rank: "Vol Rank", vol_pending: "Vol Pending", range_rank: "Range Rank", range_pending: "Range Pending" };
const OPERATORS = { gte: "≥", lte: "≤" };
/** Fewer bars than this to compare with: the alert is silent. */
const MIN_SAMPLE = 20;
/** Days; another one is said. */
const USUAL_LOOKBACK = 365;

/** "Vol Rank ≥ 95" */
export function conditionText({ metric, operator, threshold }) {
  return `${METRICS[metric] ?? metric} ${OPERATORS[operator] ?? operator} ${threshold}`;
}

/** [text, title] of each mark that tells which alert it was that fired, so that two like it are told apart. */
export function marksOf({ is_all: isAll, is_shared: isShared, lookback_days: days }) {
  const marks = [];
  if (isAll) marks.push(["All", "The alert is on all assets"]);
  if (isShared) marks.push(["shared", "Everybody has this alert"]);
  if (days && days !== USUAL_LOOKBACK) marks.push([`${days} days`, "What its bar was compared with"]);
  return marks;
}

/** "@93%". It is rounded away from the threshold: @95% never stands for 94.6 where 95 fires. */
export function valueText({ value, tone, operator }) {
  if (tone === "thin") return `n < ${MIN_SAMPLE}`;
  if (value === null || value === undefined) return "@–";
  return `@${operator === "lte" ? Math.ceil(value) : Math.floor(value)}%`;
}

/** "×3" */
export function countText(count) {
  return `×${count ?? 0}`;
}

const TONES = {
  on: "Green: the condition holds now",
  near: "Red: within 5 points of the threshold",
  close: "Yellow: within 10 points of the threshold",
  off: "No colour: more than 10 points from the threshold",
  thin: "Too few bars to compare with: it does not fire",
  paused: "Paused: it does not fire",
};

/** What a chip's colour says, for those who hover or hear it. */
export function toneText(tone) {
  return TONES[tone] ?? "";
}

/** "14:32:05 ET · Wed 18 Mar 2026" of a market time in ms. */
export function momentText(marketMs) {
  const seconds = Math.floor(marketMs / 1000);
  return `${etClock(seconds)} ET · ${etDay(seconds)}`;
}

/** That nobody evaluates alerts, and since when (ms; 0: that is not known); empty while somebody does (null). */
export function silentText(silentMs) {
  if (silentMs === null || silentMs === undefined) return "";
  return `Alerts on the live market are not being evaluated${silentMs ? `, since ${momentText(silentMs)}` : ""}.`;
}

/** "96.3 %": rounded by the server, as its sentence is. */
export function firedValueText({ value_text: text }) {
  return `${text} %`;
}

/** "99+" */
export function unreadText(count) {
  return count > 99 ? "99+" : String(count);
}
