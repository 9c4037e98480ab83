/** The lots that the session has traded at each price up to the playhead. Prices count ticks. One object; it grows. */
export class Volumes {
  #lots = new Map();
  /** The most lots at one price. */
  most = 0;
  /** The price of the last print; null before the first. */
  last = null;

  constructor({ contract, shift }, tick) {
    Object.assign(this, { contract, shift, tick });
  }

  /** The volumes after a message's `volumes` (null: there are none). `tick`: of the asset, in 1e-9. */
  static after(known, told, tick) {
    if (told === null) return null;
    const volumes = known && !told.reset ? known : new Volumes(told, tick);
    volumes.#add(told);
    return volumes;
  }

  at(price) {
    return this.#lots.get(price) ?? 0;
  }

  #add({ p, v, last, unit }) {
    for (let i = 0; i < p.length; i++) {
      const price = toTicks(p[i], unit, this.tick);
      const lots = this.at(price) + v[i];
      this.#lots.set(price, lots);
      if (lots > this.most) this.most = lots;
    }
    this.last = last === null ? null : toTicks(last, unit, this.tick);
  }
}

/** A wire price in whole ticks; one between two ticks counts for the lower one. */
export function toTicks(price, unit, tick) {
  return unit === tick ? price : Math.floor((price * unit) / tick);
}
