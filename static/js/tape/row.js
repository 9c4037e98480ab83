import { el, setText } from "../ui/dom.js";
import { countText } from "../ui/price.js";
import { etClock } from "../ui/time.js";

const SIDES = { B: "up", A: "down", N: "none" };

/** "11:24:37.028" of nanoseconds as text. */
export function printTime(ns) {
  return `${etClock(Number(ns.slice(0, -9)))}.${ns.slice(-9, -6)}`;
}

/** One line of Time & Sales. It stays where it is; what it tells changes. */
export class PrintRow {
  #told = null;
  #isBig = false;

  constructor() {
    this.time = el("span");
    this.price = el("span");
    this.size = el("span");
    this.root = el("li", {}, this.time, this.price, this.size);
  }

  /** row: a print or a gap of `Prints`, or null for an empty line. */
  update(row, priceText, big) {
    const isBig = row !== null && row.s >= big;
    if (row === this.#told && isBig === this.#isBig) return;
    this.#told = row;
    this.#isBig = isBig;
    this.root.className = classOf(row, isBig);
    if (row === null || row.gap) this.#fill(row === null ? "" : `${countText(row.gap)} more`, "", "");
    else this.#fill((row.time ??= printTime(row.t)), (row.price ??= priceText(row.p)), countText(row.s));
  }

  /** Forgets what it shows, as when prices are written otherwise. */
  forget() {
    this.#told = undefined;
  }

  #fill(time, price, size) {
    setText(this.time, time);
    setText(this.price, price);
    setText(this.size, size);
  }
}

function classOf(row, isBig) {
  if (row === null) return "";
  if (row.gap) return "gap";
  return isBig ? `${SIDES[row.side]} big` : SIDES[row.side];
}
