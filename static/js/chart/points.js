import { MIN_SAMPLE } from "../metrics/levels.js";

/** What a line shows from an index on: nothing where too few bars were there to compare with. */
export function points(ranks, metrics, key, from = 0) {
  const column = key[0] === "v" ? "vr" : "rr";
  const found = [];
  for (let index = from; index < ranks.length; index += 1) {
    const known = ranks.n[index] >= MIN_SAMPLE && ranks[column][index] !== null;
    found.push(known ? { time: ranks.t[index], value: ranks[column][index] } : { time: ranks.t[index] });
  }
  if (metrics && metrics.n >= MIN_SAMPLE && metrics[key] !== null && metrics.t > (ranks.t.at(-1) ?? -Infinity)) {
    found.push({ time: metrics.t, value: metrics[key] });
  }
  return found;
}

/** The line of a forecast: from the last closed bar, whose forecast is its rank, to the bar in progress. */
export function forecast(ranks, metrics, key) {
  const line = points(ranks, metrics, key, Math.max(0, ranks.length - 1));
  return line.length === 2 ? line : [];
}
