import { Bars, Ranks } from "../chart/bars.js";
import { markId } from "../chart/marks.js";
import { Volumes } from "../ladder/volumes.js";
import { Prints } from "../tape/prints.js";

const LOG_LINES = 500;
const NO_BARS = { t: [], o: [], h: [], l: [], c: [], v: [] };

/**
 * Turns server messages into topics of the store. Old snapshot + frames give the same store as a fresh
 * snapshot.
 *
 * `bars:<chart>` holds {chart, timeframe, unit, bars, from}: `bars` is one growing `Bars` per chart, `from`
 * the lowest index that this change touched, or 0 with `reset` when the chart is to be drawn anew.
 * `prints` and `volumes` hold one growing object each for as long as the session at the playhead lasts, or null.
 * `orders` holds a new Map each time, by id in the order they came, `fills` a new list; `take` {number}, `positions`,
 * `account` and `queues` ({id: [ahead, displayed]}) what stands beside them. `done` is the last acknowledged command.
 * `ranks:<chart>` holds the final ranks of its closed bars, `metrics:<chart>` those of the bar in progress,
 * `risk:<chart>` what one contract risks by that bar ({buy, sell}, dollars as text), or null.
 */
export class Feed {
  #serverLog = [];
  #ownLog = [];
  /** The timeframe of each chart that was drawn. */
  #drawn = new Map();

  constructor(store) {
    this.store = store;
  }

  /** Applies one checked message; types that the page does not know yet change nothing. */
  apply(message) {
    this[`on_${message.type}`]?.(message);
  }

  /** Adds a line of the page's own to the log. */
  note(level, text, at = Date.now() / 1000) {
    this.#ownLog = [...this.#ownLog, { at, level, text }].slice(-LOG_LINES);
    this.#publishLog();
  }

  on_snapshot(message) {
    this.store.set("lookback", message.lookback ?? null);
    this.#serverLog = message.log.slice(-LOG_LINES);
    this.#publishLog();
    if (message.session.root !== this.store.get("session")?.root) this.#showNothing();
    this.store.set("session", message.session);
    this.store.set("job", message.job);
    if (message.clock) this.#setClock(message.clock);
    for (const chart of message.charts) this.#draw(chart);
    this.#depth(message);
    this.#live(message);
    this.#trading(message);
  }

  on_frame(message) {
    for (const change of message.charts) this.#change(change);
    this.#depth(message);
    this.#live(message);
    this.#trading(message);
    this.#setClock(message.clock);
  }

  on_chart(message) {
    this.#draw(message);
    this.#setClock(message.clock);
  }

  on_ranks({ chart, timeframe, ranks, reset }) {
    if (this.store.get(`bars:${chart}`)?.timeframe !== timeframe) return;
    const known = reset ? new Ranks() : (this.store.get(`ranks:${chart}`) ?? new Ranks());
    known.merge(ranks);
    this.store.set(`ranks:${chart}`, known);
  }

  on_lookback(message) {
    this.store.set("lookback", message.lookback);
  }

  on_done({ id, ref }) {
    this.store.set("done", { id, ref });
  }

  on_board(message) {
    this.store.set("board", message.board);
  }

  on_job(message) {
    this.store.set("job", message.job);
  }

  on_log(message) {
    this.#serverLog = [...this.#serverLog, message.line].slice(-LOG_LINES);
    this.#publishLog();
  }

  on_error(message) {
    this.store.set("error", { code: message.code, message: message.message, ref: message.ref ?? null });
    this.note("error", message.message);
  }

  #setClock(clock) {
    // the jump is over: where it went says nothing of the next, which another tab may ask for
    if (this.store.get("clock")?.loading && !clock.loading) this.store.drop("sought");
    this.store.set("clock", clock);
  }

  /** What a message has of the order book and the prints; what it leaves out stays as it was. */
  #depth({ book, prints, volumes }) {
    const { store } = this;
    if (book !== undefined) store.set("book", book);
    if (prints !== undefined) store.set("prints", Prints.after(store.get("prints"), prints));
    if (volumes !== undefined) store.set("volumes", Volumes.after(store.get("volumes"), volumes));
  }

  /** How live's feed stands, and the last print; what a message leaves out stays as it was. */
  #live({ feed, last }) {
    if (feed !== undefined) this.store.set("feed", feed);
    if (last !== undefined) this.store.set("last", last);
  }

  /** What a message has of orders, fills and money; what it leaves out stays as it was. */
  #trading({ trading, money, queues }) {
    const { store } = this;
    if (trading !== undefined) {
      const orders = new Map(trading.reset ? [] : store.get("orders"));
      for (const order of trading.orders) orders.set(order.id, order);
      store.set("take", { number: trading.take });
      store.set("fills", [...(trading.reset ? [] : (store.get("fills") ?? [])), ...trading.fills]);
      store.set("orders", orders);
    }
    if (money !== undefined) {
      store.set("positions", money.positions);
      store.set("account", money.account);
    }
    if (queues !== undefined) store.set("queues", queues);
  }

  /** Another asset: its charts are not told where it has no bars, and those of the one before are not its. */
  #showNothing() {
    for (const [chart, timeframe] of this.#drawn) this.#draw({ chart, timeframe, unit: 1, bars: NO_BARS, marks: [] });
  }

  #draw({ chart, timeframe, unit, bars, marks, metrics = null, risk = null }) {
    this.#drawn.set(chart, timeframe);
    this.store.set(`marks:${chart}`, marks);
    this.store.set(`ranks:${chart}`, new Ranks());
    this.store.set(`metrics:${chart}`, metrics);
    this.store.set(`risk:${chart}`, risk);
    this.store.set(`bars:${chart}`, { chart, timeframe, unit, bars: new Bars(bars), from: 0, reset: true });
  }

  #change({ chart, bars, marks = [], metrics = null, risk = null, ranks = null }) {
    const known = this.store.get(`bars:${chart}`);
    if (!known) return;
    this.store.set(`metrics:${chart}`, metrics);
    this.store.set(`risk:${chart}`, risk);
    if (ranks) {
      const all = this.store.get(`ranks:${chart}`);
      all.merge(ranks);
      this.store.set(`ranks:${chart}`, all);
    }
    if (marks.length) this.store.set(`marks:${chart}`, mergeMarks(this.store.get(`marks:${chart}`), marks));
    const from = known.bars.merge(bars);
    if (from < known.bars.length) this.store.set(`bars:${chart}`, { ...known, from, reset: false });
  }

  #publishLog() {
    const lines = [...this.#serverLog, ...this.#ownLog].sort((a, b) => a.at - b.at);
    this.store.set("log", lines.slice(-LOG_LINES));
  }
}

/** Marks with newer ones laid over: the same roll (by its instant) is replaced, as when its volumes become known. */
export function mergeMarks(old, newer) {
  const byId = new Map([...old, ...newer].map((mark) => [markId(mark), mark]));
  return [...byId.values()].sort((a, b) => a.t - b.t);
}
