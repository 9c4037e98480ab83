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
  const bar = el("i", { "aria-hidden": "true" });
  const text = el("b");
  const root = el("span", { class: `sized ${name}` }, bar, text);
  let shown = "";
  const draw = (lots, most) => {
    const share = lots && most ? (lots / most).toFixed(3) : "0";
    setText(text, lots ? countText(lots) : "");
    if (share === shown) return;
    shown = share;
    bar.style.transform = `scaleX(${share})`;
  };
  return { root, draw };
}
