import { Columns } from "./columns.js";

const BARS = ["t", "o", "h", "l", "c", "v"];
const RANKS = ["t", "vr", "rr", "n"];

/** The bars of one chart: {t, o, h, l, c, v} in the wire's integers. */
export class Bars extends Columns {
  constructor(columns) {
    super(BARS, columns);
  }

  /** Whether a chart of `count` bars up to `last` is right again with the bars from index `from` on: a bar may have come in between. */
  goesOnFrom(from, { count, last }) {
    return from >= count - 1 && (from >= this.length || this.t[from] >= last);
  }
}

/** The final ranks of a chart's closed bars: {t, vr, rr, n}, a rank null where there was nothing to compare with. */
export class Ranks extends Columns {
  constructor(columns) {
    super(RANKS, columns);
  }
}
