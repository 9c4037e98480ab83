/** Executions of a side ("all", "buy" or "sell"), the newest first, at most `most`. */
export function listFills(fills, side, most = Infinity) {
  const chosen = side === "all" ? fills : fills.filter((fill) => fill.side === side);
  return chosen.slice(-most).reverse();
}

const FLAGS = { ambiguous_bar: "ambiguous bar", depth_exhausted: "depth exhausted", protected: "protected" };

/** "ambiguous bar, protected" */
export function flagsText(flags) {
  return flags.map((flag) => FLAGS[flag] ?? flag).join(", ");
}
