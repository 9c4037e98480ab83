import { el, setAttribute, show } from "../ui/dom.js";
import { PriceFormat } from "../ui/price.js";
import { canMove, movedTo, priceOf, waitingIn } from "../working/orders.js";
import { orderAt } from "../working/place.js";
import { ContractName } from "../workspace/contract.js";
import { suffices } from "../workspace/grades.js";
import { MarketPanel } from "../workspace/market_panel.js";
import { Need } from "../workspace/need.js";
import { LadderHand } from "./hand.js";
import { LadderHead } from "./head.js";
import { marketOf, middleOf, sizesOf } from "./market.js";
import { ownAt, withMoved } from "./own.js";
import { Rung } from "./rung.js";
import { PriceWindow } from "./window.js";

const ROW = 19;
const PAGE = 0.8;
const HELP = "Ladder: click left of the prices to buy, right to sell, with Shift or the right button a stop; wheel or ↑ ↓ scroll, C centres";

/**
 * The DOM ladder: prices from top to bottom, what rests at each, one's own orders, and what has traded there in this
 * session. A row carries its price in ticks as `data-price`. Without prints or a book it has prices and own orders.
 */
export class LadderPanel extends MarketPanel {
  watches = { ladder: true };
  topics = ["book", "volumes", "session", "clock", "job", "orders", "queues", "positions", "asked", "ticket", "focus", "connection"];
  #rungs = [];
  #window = new PriceWindow();
  #wheel = 0;
  #contract = null;
  #digits = 0;
  #drag = null; // {ids, by} of the orders that are being moved

  mount(root, context) {
    this.contract = new ContractName(context.header);
    this.#createButtons(context);
    this.head = new LadderHead(context);
    this.rows = el("div", { class: "rungs num" });
    this.box = el("div", { class: "rungs-box" }, this.rows);
    this.root = el("div", { class: "ladder-panel", tabindex: 0, role: "group", "aria-label": HELP }, this.head.root);
    this.need = new Need(this.root, context, { needs: "trades", offers: "book" });
    this.root.append(this.box);
    root.append(this.root);
    this.box.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    this.root.addEventListener("keydown", (event) => this.#keyed(event));
    this.#createHand(context.session);
    this.fill(this.box, ROW, (count) => this.#resize(count));
    this.begin(context);
  }

  destroy() {
    this.hand.destroy();
    super.destroy();
  }

  #createButtons({ header, session }) {
    const button = (action, title, text, onclick) => el("button", { type: "button", class: "bare", "data-action": action, title, onclick }, text);
    this.book = button("get-book", "Get the order book of this session", "+ book", () => session.getEvents("book"));
    this.traded = button("traded", "What has traded at each price in this session", "volume", () => this.#toggleTraded());
    this.centre = button("centre", "Keep the last price in sight (C in the ladder centres once more)", "centre", () => this.#centre());
    header.right.append(this.book, this.traded, this.centre);
    setAttribute(this.traded, "aria-pressed", "true");
  }

  #createHand({ asked }) {
    const place = (side, type, price) => asked.submit(orderAt(this.context.store, { side, type, price, origin: "ladder" }));
    const move = (drag) => {
      this.#drag = drag;
      this.redraw();
    };
    const drop = (orders, by) => {
      for (const order of orders.filter(canMove)) asked.replace(order, movedTo(order, priceOf(order) + by));
    };
    const cancel = (orders) => {
      for (const order of orders) asked.cancel(order);
    };
    const ownOf = (node) => this.#rungs.map((rung) => rung.ownOf(node)).find((orders) => orders !== null) ?? null;
    this.hand = new LadderHand(this.rows, { priceAt: (y) => this.#priceAt(y), ownOf, on: { place, move, drop, cancel } });
  }

  /** The price of the rung at a height of the browser's window. */
  #priceAt(y) {
    if (this.#window.top === null) return null;
    return this.#window.top - Math.floor((y - this.rows.getBoundingClientRect().top) / ROW);
  }

  #resize(count) {
    while (this.#rungs.length > count) this.#rungs.pop().root.remove();
    while (this.#rungs.length < count) {
      this.#rungs.push(new Rung());
      this.rows.append(this.#rungs.at(-1).root);
    }
    this.#window.resize(count);
  }

  #toggleTraded() {
    const shown = this.root.classList.toggle("without-volume");
    setAttribute(this.traded, "aria-pressed", String(!shown));
  }

  #centre() {
    const { market, book } = this.#known();
    this.#window.follows = true;
    this.#window.centre(market && middleOf(market, book));
    this.redraw();
  }

  #wheeled(event) {
    event.preventDefault();
    this.#wheel += event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * ROW : event.deltaY;
    const rows = Math.trunc(this.#wheel / ROW);
    this.#wheel -= rows * ROW;
    this.#scroll(rows);
  }

  #keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const page = Math.round(this.#rungs.length * PAGE);
    const rows = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
    if (rows !== undefined) this.#scroll(rows);
    else if (event.key.toLowerCase() === "c") this.#centre();
    else return;
    event.preventDefault();
  }

  #scroll(rows) {
    this.#window.scroll(rows);
    this.redraw();
  }

  #known() {
    const { store } = this.context;
    const names = ["session", "clock", "volumes", "book", "orders", "queues", "positions", "asked", "connection"];
    const known = Object.fromEntries(names.map((topic) => [topic, store.get(topic)]));
    const chart = store.get(`bars:${this.context.session.focusedChart()}`);
    return { ...known, market: marketOf({ ...known, chart }) };
  }

  draw() {
    const known = this.#known();
    const { market, session, clock, volumes } = known;
    const lacks = this.need.update(volumes);
    show(this.rows, market !== null);
    show(this.head.root, market !== null);
    this.root.classList.toggle("bars-only", lacks && market !== null);
    show(this.book, !lacks && !suffices(clock.grade, "book"));
    this.#useFormat(session);
    this.contract.update(market, this.format);
    if (market === null) return;
    if (market.contract !== this.#contract) this.#window.top = null;
    this.#contract = market.contract;
    if (!this.hand.isBusy) this.#window.follow(middleOf(market, known.book));
    setAttribute(this.centre, "aria-pressed", String(this.#window.follows));
    if (this.#window.top !== null) this.#drawRungs(known);
  }

  #drawRungs({ market, book, orders, queues, positions, asked, connection }) {
    const { bids, asks, most } = sizesOf(book, market.tick);
    const scales = { size: most, traded: market.most };
    const priceText = (price) => this.format.ofAverage(price);
    const waiting = waitingIn(orders, market.contract, asked);
    const own = ownAt(this.#drag ? withMoved(waiting, this.#drag) : waiting, queues, priceText);
    const held = positions?.find(({ contract, quantity }) => contract === market.contract && quantity !== 0);
    this.head.update({ contract: market.contract, held, isKnown: positions !== undefined, isOpen: [...(orders?.values() ?? [])].some(({ over }) => !over), isLive: connection?.state === "live" }, priceText);
    this.#fitPrices(priceText(this.#window.top));
    this.#rungs.forEach((rung, index) => {
      const price = this.#window.top - index;
      const row = { price, bid: bids.get(price) ?? 0, ask: asks.get(price) ?? 0, traded: market.at(price) };
      row.place = price === market.last ? "last" : "";
      row.held = held && price === Math.round(held.average) ? (held.quantity > 0 ? "long" : "short") : "";
      rung.update({ ...row, own: own.get(price) }, scales, priceText);
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
