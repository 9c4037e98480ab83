import { el, setText } from "../ui/dom.js";
import { countText } from "../ui/price.js";

/** One row of the ladder. It stays where it is; its price and what stands at it change. */
export class Rung {
  #told = {};

  constructor() {
    this.ownBid = el("span", { class: "own own-bid" });
    this.bid = sized("bid");
    this.price = el("span", { class: "rung-price" });
    this.ask = sized("ask");
    this.ownAsk = el("span", { class: "own own-ask" });
    this.volume = sized("traded");
    this.root = el("div", { class: "rung" }, this.ownBid, this.bid.root, this.price, this.ask.root, this.ownAsk, this.volume.root);
  }

  /** price: in ticks; bid, ask, traded: lots; place: "last", "bid", "ask" or ""; scales: the largest of each. */
  update(row, scales, priceText) {
    const told = this.#told;
    if (row.price !== told.price) {
      setText(this.price, priceText(row.price));
      this.root.dataset.price = row.price;
    }
    if (row.place !== told.place) this.root.dataset.place = row.place;
    this.bid.draw(row.bid, scales.size);
    this.ask.draw(row.ask, scales.size);
    this.volume.draw(row.traded, scales.traded);
    this.#told = row;
  }

  /** Forgets what it shows, as when prices are written otherwise. */
  forget() {
    this.#told = {};
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
