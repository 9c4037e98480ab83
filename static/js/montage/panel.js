import { el, setAttribute, setText, show } from "../ui/dom.js";
import { PriceFormat, countText, nanosFromWire } from "../ui/price.js";
import { waitingIn } from "../working/orders.js";
import { ContractName } from "../workspace/contract.js";
import { MarketPanel } from "../workspace/market_panel.js";
import { Need } from "../workspace/need.js";
import { LEVELS, lotsAt, montageOf } from "./levels.js";

/** Level 2: the ten best prices of each side with their sizes and orders. */
export class MontagePanel extends MarketPanel {
  watches = { book: true };
  topics = ["book", "session", "clock", "job", "orders", "asked"];
  #digits = 0;

  mount(root, context) {
    this.contract = new ContractName(context.header, { named: false });
    this.spread = context.header.right.appendChild(el("span", { class: "faint num", title: "From the best bid to the best ask" }));
    this.sides = { bids: new Side("bid", "Bid"), asks: new Side("ask", "Ask") };
    this.share = el("div", { class: "montage-share-fill" });
    this.balance = el("div", { class: "montage-share", title: "How the lots of these levels divide between bids and asks" }, this.share);
    this.table = el("div", { class: "montage num" }, this.sides.bids.root, this.sides.asks.root);
    this.root = el("div", { class: "montage-panel" }, this.table, this.balance);
    root.append(this.root);
    this.need = new Need(this.root, context, { needs: "book" });
    this.begin(context);
  }

  draw() {
    const { store } = this.context;
    const book = store.get("book") ?? null;
    const isEmpty = this.need.update(book);
    show(this.table, !isEmpty);
    show(this.balance, !isEmpty);
    const format = this.#format(store.get("session"));
    this.contract.update(isEmpty ? null : book, format);
    setText(this.spread, "");
    if (!isEmpty) this.#drawBook(book, format);
  }

  #drawBook(book, format) {
    const { store } = this.context;
    const own = lotsAt(waitingIn(store.get("orders"), book.contract, store.get("asked")));
    const { bids, asks, totals, spread } = montageOf(book, own, Number(format.tick));
    const priceText = (price) => format.text(nanosFromWire(price, book.unit));
    this.#fitPrices(priceText(book.bids.p[0] ?? book.asks.p[0] ?? 0));
    this.sides.bids.draw(bids, totals.bids, priceText);
    this.sides.asks.draw(asks, totals.asks, priceText);
    setText(this.spread, spread === null ? "" : `spread ${priceText(spread)}`);
    const all = totals.bids.size + totals.asks.size;
    this.share.style.transform = `scaleX(${all ? totals.bids.size / all : 0.5})`;
  }

  /** The columns of prices are as wide as they are, on every line; the best ones are bold. */
  #fitPrices(text) {
    if (text.length === this.#digits) return;
    this.#digits = text.length;
    this.root.style.setProperty("--price", `calc(${text.length}ch + 6px)`);
  }

  #format(session) {
    if (session !== this.session && session) this.format = new PriceFormat(session);
    this.session = session;
    return this.format;
  }
}

/** One side: a head, ten lines, and the totals. Its nodes stay; what they tell changes. */
class Side {
  constructor(name, title) {
    this.lines = Array.from({ length: LEVELS }, () => new Line());
    this.total = new Line();
    const head = el("div", { class: "montage-line montage-head" }, el("span", {}, "Orders"), el("span", {}, "Size"), el("span", {}, title));
    this.total.root.classList.add("montage-total");
    this.root = el("div", { class: `montage-side ${name}`, role: "group", "aria-label": title }, head, ...this.lines.map(({ root }) => root), this.total.root);
  }

  draw(levels, total, priceText) {
    this.lines.forEach((line, index) => line.draw(levels[index] ?? null, priceText));
    this.total.draw({ ...total, price: null, share: 0 }, () => "total");
  }
}

class Line {
  #percent = 0;

  constructor() {
    this.orders = el("span");
    this.lots = el("b", { class: "own-lots" });
    this.count = document.createTextNode("");
    this.size = el("span", {}, this.lots, this.count);
    this.price = el("span");
    this.root = el("div", { class: "montage-line" }, this.orders, this.size, this.price);
  }

  /** level: {price, size, orders, share, own}, or null where the book has none. */
  draw(level, priceText) {
    setText(this.orders, level ? countText(level.orders) : "");
    setText(this.count, level ? countText(level.size) : "");
    setText(this.lots, level?.own ? countText(level.own) : "");
    setAttribute(this.lots, "title", level?.own ? "Your own lots at this price" : null);
    setText(this.price, level ? priceText(level.price) : "");
    const percent = Math.round((level?.share ?? 0) * 100);
    if (percent === this.#percent) return;
    this.#percent = percent;
    this.root.style.backgroundSize = `${percent}% 100%`;
  }
}
