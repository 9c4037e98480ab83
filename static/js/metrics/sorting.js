import { MIN_SAMPLE } from "./levels.js";

/** The board's rows in order: by asset, or by a timeframe's metric; those without a value stay below either way. */
export function sortRows(rows, { by, descending }, metric) {
  const sign = descending ? -1 : 1;
  const byRoot = (a, b) => (a.root < b.root ? -1 : 1);
  if (by === "asset") return [...rows].sort((a, b) => sign * byRoot(a, b));
  const valueOf = ({ cells }) => ((cells[by]?.n ?? 0) >= MIN_SAMPLE ? cells[by][metric] : null);
  return [...rows].sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === null || y === null) return (x === null) - (y === null) || byRoot(a, b);
    return sign * (x - y) || byRoot(a, b);
  });
}
