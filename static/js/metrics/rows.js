/** What a row of the metrics board says of itself, and of each of its cells. */

import { etClock } from "../ui/time.js";
import { METRICS, shownRank } from "./levels.js";

/** Why a row has no new values: text beside the asset, and a title in full. */
const STATES = {
  ready: { text: "", title: null, note: null },
  computing: { text: "computing", title: "Its ranks are being computed" },
  queued: { text: "queued", title: "Its sessions are to be fetched; see Jobs" },
  fetching: { text: "fetching", title: "Its sessions are being fetched; see Jobs" },
  asking: { text: "costs", title: "Its sessions cost something: the page Jobs asks for a yes" },
  absent: { text: "not stored", title: "This session is not stored; Fetch all assets gets it" },
  silent: { text: "no bars yet", title: "The feed has told no bar of its session yet" },
  unranked: { text: "no lookback", title: "Nothing to compare with is stored; Fetch all assets gets it" },
  closed: { text: "closed", title: "Its market is closed at the playhead" },
};

/** {text, title} beside the asset's root. */
export function rowState({ state, percent, at }) {
  const { text, title } = STATES[state];
  if (title === null) return { text, title };
  const share = state === "fetching" && percent !== null ? ` ${percent} %` : "";
  return { text: `${text}${share}`, title: `${title}.${at === null ? "" : ` What stands here is of ${etClock(at)} ET.`}` };
}

/**
 * What a cell shows: {text, level, note, old}; now: UTC seconds of the playhead. old: the row is of an earlier moment,
 * at which the cell's bar was in progress, and that bar is over.
 */
export function shownCell({ state, at, cells }, timeframe, metric, now) {
  const cell = cells[timeframe] ?? null;
  if (cell === null && state !== "ready") return { text: "—", level: "none", note: STATES[state].title, old: false };
  const { text, level, note: sample } = shownRank(cell?.[metric] ?? null, cell?.n ?? 0);
  const note = `${nameOf(metric)}${level === "none" ? "" : ` ${text}${missText(cell[`${metric}e`])}`}. ${sample}`;
  const end = cell === null ? Infinity : cell.t + cell.length;
  const old = at !== null && at < end && end <= now;
  return { text, level, old, note: old ? `${note}. Of ${etClock(at)} ET: the bar is over since` : note };
}

function nameOf(metric) {
  return METRICS.find(({ key }) => key === metric).label;
}

/** " ±4": the points by which a forecast usually misses; empty of what is no forecast. */
function missText(error) {
  return error >= 1 ? ` ±${Math.round(error)}` : "";
}

/** Whether Fetch all assets has something to get. */
export function lacks({ state }) {
  return state === "absent" || state === "unranked";
}

/** "12 of 19 assets", "1 asset": how many have values. */
export function countOf(rows) {
  if (rows.length === 0) return "";
  const filled = rows.filter(({ cells }) => Object.values(cells).some((cell) => cell !== null)).length;
  const all = `${rows.length} ${rows.length === 1 ? "asset" : "assets"}`;
  return filled === rows.length ? all : `${filled} of ${all}`;
}
