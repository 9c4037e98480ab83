/** The lots that the session has traded at each price up to the playhead. Prices count ticks. One object; it grows. */
export class Volumes {
  #lots = new Map();
  /** The most lots at one price. */
  most = 0;
  /** The price of the last print; null before the first. */
  last = null;

  constructor({ contract, shift, unit }) {
    Object.assign(this, { contract, shift, tick: unit });
  }

  /** The volumes after a message's `volumes` (null: there are none). */
  static after(known, told) {
    if (told === null) return null;
    const volumes = known && !told.reset ? known : new Volumes(told);
    volumes.#add(told);
    return volumes;
  }

  at(price) {
    return this.#lots.get(price) ?? 0;
  }

  #add({ p, v, last }) {
    for (let i = 0; i < p.length; i++) {
      const lots = this.at(p[i]) + v[i];
      this.#lots.set(p[i], lots);
      if (lots > this.most) this.most = lots;
    }
    this.last = last;
  }
}

/** A wire price in whole ticks; one between two ticks counts for the lower one. */
export function toTicks(price, unit, tick) {
  return unit === tick ? price : Math.floor((price * unit) / tick);
}
