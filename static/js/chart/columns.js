/** Rows as columns of numbers, one of them `t`, rising: what came over the wire, kept apart from the chart library. */
export class Columns {
  #names;
  #revision = 0;

  constructor(names, columns = {}) {
    this.#names = names;
    for (const name of names) this[name] = [...(columns[name] ?? [])];
  }

  get length() {
    return this.t.length;
  }

  /** Counts the merges that changed rows which were there, or that put one before another. */
  get revision() {
    return this.#revision;
  }

  /** One row as an object, or null. */
  at(index) {
    if (index < 0 || index >= this.length) return null;
    return Object.fromEntries(this.#names.map((name) => [name, this[name][index]]));
  }

  /** The index of the row of `time`, or −1. */
  indexOf(time) {
    const index = this.#place(time);
    return this.t[index] === time ? index : -1;
  }

  /** The index of the last row at or before `time`, or −1. */
  lastBy(time) {
    const index = this.#place(time);
    return this.t[index] === time ? index : index - 1;
  }

  /**
   * Takes rows that changed or were added: a row with a known time replaces the old one.
   * Returns the lowest index that is new or different, or the length where nothing is.
   */
  merge(columns) {
    const before = this.length;
    let changed = before;
    for (let from = 0; from < columns.t.length; from += 1) {
      const time = columns.t[from];
      const index = time > (this.t.at(-1) ?? -Infinity) ? this.length : this.#place(time);
      const replaced = this.t[index] === time ? 1 : 0;
      for (const name of this.#names) this[name].splice(index, replaced, columns[name][from]);
      changed = Math.min(changed, index);
    }
    if (changed < before) this.#revision += 1;
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
