import { el, setAttribute, show } from "../ui/dom.js";
import { PriceFormat } from "../ui/price.js";
import { ContractName } from "../workspace/contract.js";
import { suffices } from "../workspace/grades.js";
import { Need } from "../workspace/need.js";
import { Subscriptions } from "../workspace/store.js";
import { Rung } from "./rung.js";
import { toTicks } from "./volumes.js";
import { PriceWindow } from "./window.js";

const ROW = 19;
const PAGE = 0.8;

/**
 * The DOM ladder: prices from top to bottom, what rests at each, and what has traded there in this session. The cells
 * beside the sizes are for the trader's own orders; a row carries its price in ticks as `data-price`.
 */
export class LadderPanel {
  #rungs = [];
  #window = new PriceWindow();
  #wheel = 0;
  #contract = null;
  #digits = 0;

  mount(root, context) {
    this.context = context;
    this.contract = new ContractName(context.header);
    this.#createButtons(context.header.right);
    this.rows = el("div", { class: "rungs num" });
    this.root = el("div", { class: "ladder-panel", tabindex: 0, role: "group", "aria-label": "Ladder: wheel or ↑ ↓ scroll, C centres" }, this.rows);
    root.append(this.root);
    this.need = new Need(this.root, context, { needs: "trades", offers: "book" });
    this.root.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    this.root.addEventListener("keydown", (event) => this.#keyed(event));
    this.observer = new ResizeObserver(([{ contentRect }]) => this.#resize(Math.max(1, Math.ceil(contentRect.height / ROW))));
    this.observer.observe(this.root);
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["book", "volumes", "session", "clock", "job"]) this.subscriptions.add(topic, this.#redraw);
    this.ending = context.whileVisible((visible) => this.#seen(visible));
  }

  destroy() {
    this.ending();
    this.context.session.watch(this.context.panelId, null);
    this.observer.disconnect();
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.root.remove();
  }

  #createButtons(header) {
    const button = (action, title, text, onclick) => el("button", { type: "button", class: "bare", "data-action": action, title, onclick }, text);
    this.book = button("get-book", "Get the order book of this session", "get the book", () => this.context.session.getEvents("book"));
    this.traded = button("traded", "What has traded at each price in this session", "volume", () => this.#toggleTraded());
    this.centre = button("centre", "Keep the last price in sight (C in the ladder centres once more)", "centre", () => this.#centre());
    header.append(this.book, this.traded, this.centre);
    setAttribute(this.traded, "aria-pressed", "true");
  }

  /** What cannot be seen is neither sent nor drawn. */
  #seen(visible) {
    this.visible = visible;
    this.context.session.watch(this.context.panelId, visible ? { ladder: true } : null);
    this.#redraw();
  }

  #redraw = () => this.visible && this.context.frames.request(this.#draw);

  #resize(count) {
    while (this.#rungs.length > count) this.#rungs.pop().root.remove();
    while (this.#rungs.length < count) {
      this.#rungs.push(new Rung());
      this.rows.append(this.#rungs.at(-1).root);
    }
    this.#window.resize(count);
    this.#redraw();
  }

  #toggleTraded() {
    const shown = this.root.classList.toggle("without-volume");
    setAttribute(this.traded, "aria-pressed", String(!shown));
  }

  #centre() {
    this.#window.follows = true;
    this.#window.centre(this.#middle());
    this.#redraw();
  }

  #wheeled(event) {
    event.preventDefault();
    this.#wheel += event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * ROW : event.deltaY;
    const rows = Math.trunc(this.#wheel / ROW);
    this.#wheel -= rows * ROW;
    this.#scroll(rows);
  }

  #keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.round(this.#rungs.length * PAGE);
    const rows = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
    if (rows !== undefined) this.#scroll(rows);
    else if (event.key.toLowerCase() === "c") this.#centre();
    else return;
    event.preventDefault();
  }

  #scroll(rows) {
    this.#window.scroll(rows);
    this.#redraw();
  }

  /** The price that belongs in the middle: the last one, else the best bid or ask; null where there is none. */
  #middle() {
    const [volumes, book] = ["volumes", "book"].map((topic) => this.context.store.get(topic));
    if (!volumes) return null;
    const best = book?.bids.p[0] ?? book?.asks.p[0] ?? null;
    return volumes.last ?? (best === null ? null : toTicks(best, book.unit, volumes.tick));
  }

  #draw = () => {
    const { store } = this.context;
    const [session, clock, volumes] = ["session", "clock", "volumes"].map((topic) => store.get(topic));
    const isEmpty = this.need.update(volumes);
    show(this.rows, !isEmpty);
    show(this.book, !isEmpty && !suffices(clock.grade, "book"));
    this.#useFormat(session);
    this.contract.update(isEmpty ? null : volumes, this.format);
    if (isEmpty) return;
    if (volumes.contract !== this.#contract) this.#window.top = null;
    this.#contract = volumes.contract;
    this.#window.follow(this.#middle());
    setAttribute(this.centre, "aria-pressed", String(this.#window.follows));
    if (this.#window.top !== null) this.#drawRungs(volumes, sizesOf(store.get("book"), volumes.tick));
  };

  #drawRungs(volumes, { bids, asks, most }) {
    const scales = { size: most, traded: volumes.most };
    const priceText = (price) => this.format.text(BigInt(price) * this.format.tick);
    this.#fitPrices(priceText(this.#window.top));
    this.#rungs.forEach((rung, index) => {
      const price = this.#window.top - index;
      const [bid, ask] = [bids.get(price) ?? 0, asks.get(price) ?? 0];
      const place = price === volumes.last ? "last" : "";
      rung.update({ price, bid, ask, traded: volumes.at(price), place }, scales, priceText);
    });
  }

  /** The column of prices is as wide as they are, on every row. */
  #fitPrices(text) {
    if (text.length === this.#digits) return;
    this.#digits = text.length;
    this.root.style.setProperty("--price", `calc(${text.length}ch + 16px)`);
  }

  #useFormat(session) {
    if (session === this.session) return;
    this.session = session;
    if (session) this.format = new PriceFormat(session);
    for (const rung of this.#rungs) rung.forget();
  }
}

/** A wire book by price in ticks: {bids, asks, most}; empty for none. */
export function sizesOf(book, tick) {
  const side = ({ p, s }) => new Map(p.map((price, i) => [toTicks(price, book.unit, tick), s[i]]));
  if (!book) return { bids: new Map(), asks: new Map(), most: 0 };
  return { bids: side(book.bids), asks: side(book.asks), most: Math.max(0, ...book.bids.s, ...book.asks.s) };
}
