/** Prints of the past that a page keeps: what one can scroll back to. */
export const KEPT = 2000;
/** A print of so many times the average size is a big one. */
const BIG = 10;
/** Fewer prints than this have no average worth the name. */
const ENOUGH = 20;

/**
 * The newest prints of the session, as they came: {t, p, s, side} with `t` nanoseconds as text and `p` in `unit`,
 * or {gap} for so many that were left out. One object for as long as the session lasts; it grows.
 */
export class Prints {
  /** Prints and gaps, the oldest first. */
  rows = [];
  /** How many prints there have been, left out or not. */
  total = 0;
  #count = 0;
  #lots = 0;

  constructor({ contract, shift, unit }) {
    Object.assign(this, { contract, shift, unit });
  }

  /** The prints after a message's `prints` (null: there are none): the same object, or a new one where it resets. */
  static after(known, told) {
    if (told === null) return null;
    const prints = known && !told.reset && known.unit === told.unit ? known : new Prints(told);
    prints.#add(told);
    return prints;
  }

  /** The size from which on a print is a big one; Infinity while there are too few to say. */
  get big() {
    return this.#count < ENOUGH ? Infinity : (BIG * this.#lots) / this.#count;
  }

  #add({ t, p, s, side, left_out: gap }) {
    this.total += t.length + gap;
    if (gap) this.rows.push({ gap });
    for (let i = 0; i < t.length; i++) {
      this.rows.push({ t: t[i], p: p[i], s: s[i], side: side[i] });
      this.#lots += s[i];
    }
    this.#count += t.length;
    if (this.rows.length > 2 * KEPT) this.#forget(this.rows.length - KEPT);
  }

  #forget(count) {
    for (const { gap, s } of this.rows.splice(0, count)) {
      if (gap) continue;
      this.#count -= 1;
      this.#lots -= s;
    }
  }
}

/**
 * What to show of rows that are oldest first: at most `count`, the newest first, after passing over `skip`.
 * `atLeast` lots; with a filter the gaps say nothing and are left out.
 */
export function newest(rows, { count, skip = 0, atLeast = 1 }) {
  const shown = [];
  for (let i = rows.length - 1; i >= 0 && shown.length < count; i--) {
    const row = rows[i];
    if (row.gap ? atLeast > 1 : row.s < atLeast) continue;
    if (skip > 0) skip -= 1;
    else shown.push(row);
  }
  return shown;
}
