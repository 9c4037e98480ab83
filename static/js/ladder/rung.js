import { el, setAttribute, setText, show } from "../ui/dom.js";
import { countText } from "../ui/price.js";

/** One row of the ladder. It stays where it is; its price and what stands at it change. */
export class Rung {
  #told = {};

  constructor() {
    this.own = { buy: new OwnChip("buy"), sell: new OwnChip("sell") };
    this.bid = sized("bid");
    this.price = el("span", { class: "rung-price" });
    this.ask = sized("ask");
    this.volume = sized("traded");
    const own = el("span", { class: "own" }, this.own.buy.root, this.own.sell.root);
    this.root = el("div", { class: "rung" }, own, this.bid.root, this.price, this.ask.root, this.volume.root);
  }

  /**
   * price: in ticks; bid, ask, traded: lots; place: "last" or ""; held: "long" or "short" at the position's average
   * price, else ""; own: {buy, sell} as `ownAt` has them, or undefined; scales: the largest of each.
   */
  update(row, scales, priceText) {
    const told = this.#told;
    if (row.price !== told.price) {
      setText(this.price, priceText(row.price));
      this.root.dataset.price = row.price;
    }
    if (row.place !== told.place) this.root.dataset.place = row.place;
    if (row.held !== told.held) setAttribute(this.root, "data-held", row.held || null);
    this.bid.draw(row.bid, scales.size);
    this.ask.draw(row.ask, scales.size);
    this.volume.draw(row.traded, scales.traded);
    this.own.buy.draw(row.own?.buy);
    this.own.sell.draw(row.own?.sell);
    this.#told = row;
  }

  /** One's own orders in the chip that a node lies in, or null. */
  ownOf(node) {
    return Object.values(this.own).find(({ root }) => root.contains(node))?.own?.orders ?? null;
  }

  /** Forgets what it shows, as when prices are written otherwise. */
  forget() {
    this.#told = {};
  }
}

/** One's own orders of a side at a price: "2 · 180 ahead". */
class OwnChip {
  constructor(side) {
    this.quantity = el("b");
    this.ahead = el("span", { class: "ahead" });
    this.word = el("span", { class: "ahead-word" }, " ahead");
    this.cancel = el("button", { type: "button", "data-action": "cancel-own" }, "×");
    this.root = el("span", { class: "own-chip", "data-side": side, hidden: true }, this.quantity, this.ahead, this.word, this.cancel);
  }

  draw(own) {
    this.own = own;
    show(this.root, own !== undefined);
    if (own === undefined) return;
    setText(this.quantity, countText(own.quantity));
    setText(this.ahead, own.ahead && ` · ${own.ahead}`);
    show(this.word, own.ahead !== "");
    setAttribute(this.root, "title", `${own.title}\nDrag to move, × or middle click to cancel`);
    setAttribute(this.cancel, "aria-label", `Cancel ${own.title}`);
    setAttribute(this.root, "data-stop", own.isStop);
    setAttribute(this.root, "data-waits", own.waits);
  }
}

function sized(name) {
  const text = el("b");
  const root = el("span", { class: `sized ${name}` }, text);
  let shown = 0;
  const draw = (lots, most) => {
    const percent = lots && most ? Math.round((lots * 100) / most) : 0;
    setText(text, lots ? countText(lots) : "");
    if (percent === shown) return;
    shown = percent;
    // a background costs neither a layout nor a layer
    root.style.backgroundSize = `${percent}% 100%`;
  };
  return { root, draw };
}
