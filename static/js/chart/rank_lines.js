import { forecast, points } from "./points.js";

/**
 * The lines of the ranks, drawn as the ranks are. The library takes a point at the end of a line only; but ranks come
 * in any order: the next bar may be drawn before those of the one that closed are told, and older ones change.
 */
export class RankLines {
  #ranks = null;
  #revision = 0;
  #drawn = 0;
  #ends = new Map();

  /** lines: pairs of a metric's key and a series of the library. */
  constructor(lines) {
    this.lines = lines;
  }

  /** ranks: those of closed bars, one growing object a chart; metrics: of the forming bar, or null. */
  draw(ranks, metrics) {
    const anew = ranks !== this.#ranks || ranks.revision !== this.#revision;
    for (const [key, line] of this.lines) {
      if (key.endsWith("p")) line.setData(forecast(ranks, metrics, key));
      else this.#go(key, line, ranks, metrics, anew ? 0 : this.#drawn);
    }
    this.#ranks = ranks;
    this.#revision = ranks.revision;
    this.#drawn = ranks.length;
  }

  /** Draws a line from the index `from` of its ranks on, or all of it where what it ends with is not there any more. */
  #go(key, line, ranks, metrics, from) {
    const found = points(ranks, metrics, key, from);
    const end = this.#ends.get(key);
    const goesOn = from > 0 && (end === ranks.t[from - 1] || end === found[0]?.time);
    if (goesOn) for (const point of found) line.update(point);
    else line.setData(points(ranks, metrics, key));
    this.#ends.set(key, found.at(-1)?.time ?? ranks.t.at(-1));
  }
}
