/** The four metrics of a bar, and how unusual a percentile rank is. */

/** key: as on the wire; pending: a forecast of the bar's end. */
export const METRICS = [
  { key: "vr", label: "Vol Rank", pending: false, title: "Of how many bars of the same time of day this bar's volume so far exceeds the final volume, in percent" },
  { key: "vp", label: "Vol Pending", pending: true, title: "The rank that this bar's volume is expected to end with" },
  { key: "rr", label: "Range Rank", pending: false, title: "Of how many bars of the same time of day this bar's range (high to low) so far exceeds the final range, in percent" },
  { key: "rp", label: "Range Pending", pending: true, title: "The rank that this bar's range is expected to end with" },
];

/** Fewer bars than this to compare with say nothing. */
export const MIN_SAMPLE = 20;
/** The bands: what is at least this is called so. */
export const BANDS = [
  { from: 95, level: "top" },
  { from: 90, level: "high" },
  { from: 80, level: "raised" },
];

/** "top", "high", "raised" or "plain"; "none" without a value. */
export function levelOf(value) {
  if (value === null || value === undefined) return "none";
  return BANDS.find(({ from }) => value >= from)?.level ?? "plain";
}

/** A percentile rank for people: whole, but 100 or 0 only where it is. */
export function rankText(value) {
  if (value === null || value === undefined) return "—";
  const whole = Math.round(value);
  if (whole === 100 && value < 100) return "> 99";
  if (whole === 0 && value > 0) return "< 1";
  return String(whole);
}

/** What a cell shows of a value among n bars: {text, level, note}. */
export function shownRank(value, n) {
  if (!n) return { text: "—", level: "none", note: "No bars of this time of day are stored within the lookback" };
  const bars = n === 1 ? "1 bar" : `${n} bars`;
  if (n < MIN_SAMPLE) return { text: `n < ${MIN_SAMPLE}`, level: "none", note: `Only ${bars} of this time of day to compare with; below ${MIN_SAMPLE} a rank says nothing (n is their number)` };
  return { text: rankText(value), level: levelOf(value), note: `Among ${bars} of this time of day in the lookback; a session that a holiday makes longer can have two` };
}
