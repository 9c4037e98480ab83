/** One's executions as marks on a chart's bars. */

/** The most sentences that a tooltip has room for. */
const LINES = 6;

/**
 * Fills by bar and side: [{id, time, side, quantity, fills}], rising in time. Those before the first bar are left out.
 * bars: a chart's `Bars`.
 */
export function executionsOn(bars, fills) {
  const found = new Map();
  for (const fill of fills) {
    const time = bars.at(bars.lastBy(Math.floor(Number(fill.ns.slice(0, -9)))))?.t;
    if (time === undefined) continue;
    const id = `fill ${time} ${fill.side}`;
    const known = found.get(id) ?? { id, time, side: fill.side, quantity: 0, fills: [] };
    found.set(id, { ...known, quantity: known.quantity + fill.quantity, fills: [...known.fills, fill] });
  }
  return [...found.values()].sort((a, b) => a.time - b.time);
}

/** What the tooltip of an execution says, line by line. */
export function executionDetails({ side, quantity, fills }) {
  const word = side === "buy" ? "Bought" : "Sold";
  const head = `${word} ${quantity} ${[...new Set(fills.map(({ contract }) => contract))].join(", ")}`;
  const lines = fills.slice(0, LINES).map(({ text }) => text);
  return fills.length > LINES ? [head, ...lines, `and ${fills.length - LINES} more`] : [head, ...lines];
}

/** The chart library's markers: arrows up below the bar for buys, down above it for sells. */
export function executionMarkers(executions, colors) {
  return executions.map(({ id, time, side, quantity }) => ({
    id,
    time,
    text: String(quantity),
    ...(side === "buy" ? { position: "belowBar", shape: "arrowUp", color: colors.up } : { position: "aboveBar", shape: "arrowDown", color: colors.down }),
  }));
}
