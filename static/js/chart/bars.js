/**
 * The bars of one chart as columns of the wire's integers: {t, o, h, l, c, v}, `t` rising.
 * Kept apart from the chart library, so that a chart which opens later, or draws less often, has them all.
 */
const COLUMNS = ["t", "o", "h", "l", "c", "v"];

export class Bars {
  constructor(columns = {}) {
    for (const name of COLUMNS) this[name] = [...(columns[name] ?? [])];
  }

  get length() {
    return this.t.length;
  }

  /** One bar as {t, o, h, l, c, v}, or null. */
  at(index) {
    if (index < 0 || index >= this.length) return null;
    return { t: this.t[index], o: this.o[index], h: this.h[index], l: this.l[index], c: this.c[index], v: this.v[index] };
  }

  /** The index of the bar that opened at `time`, or −1. */
  indexOf(time) {
    const index = this.#place(time);
    return this.t[index] === time ? index : -1;
  }

  /**
   * Takes bars that changed or were added: a bar with a known time replaces the old one.
   * Returns the lowest index that is new or different, or the length where nothing is.
   */
  merge(columns) {
    let changed = this.length;
    for (let from = 0; from < columns.t.length; from += 1) {
      const time = columns.t[from];
      const index = time > (this.t.at(-1) ?? -Infinity) ? this.length : this.#place(time);
      const replaced = this.t[index] === time ? 1 : 0;
      for (const name of COLUMNS) this[name].splice(index, replaced, columns[name][from]);
      changed = Math.min(changed, index);
    }
    return changed;
  }

  #place(time) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.t[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
