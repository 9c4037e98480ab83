import { commandOf, focusKind } from "../replay/keys.js";
import { setAttribute, setText, show } from "../ui/dom.js";
import { PriceFormat } from "../ui/price.js";
import { dayOfDate, etClock, etDay, secondsFromNs } from "../ui/time.js";
import { Subscriptions } from "../workspace/store.js";
import { comingText, feedChip, openingText, priceState } from "./words.js";

const CONNECTION = {
  idle: "not connected",
  connecting: "connecting …",
  live: "connected",
  reconnecting: "reconnecting …",
  stopped: "disconnected",
};

/**
 * The bar over live's charts. Its markup stands in templates/live/page.html and carries `data-show` on what is
 * filled in here.
 */
export class LiveBar {
  #listening = new AbortController();

  mount(root, context) {
    this.root = root;
    this.context = context;
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-show]")].map((node) => [node.dataset.show, node]));
    const { signal } = this.#listening;
    document.addEventListener("keydown", (event) => this.#keyed(event), { signal });
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["clock", "session", "connection", "feed", "last", "focus"]) {
      this.subscriptions.add(topic, () => context.frames.request(this.#draw));
    }
  }

  destroy() {
    this.#listening.abort();
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
  }

  #keyed(event) {
    if (event.defaultPrevented) return;
    const command = commandOf(event, focusKind(document.activeElement));
    const { session } = this.context;
    if (command?.action !== "timeframe" || !session.focusedChart()) return;
    event.preventDefault();
    session.setTimeframe(session.focusedChart(), command.timeframe);
  }

  #draw = () => {
    const { store } = this.context;
    const [session, clock, feed] = ["session", "clock", "feed"].map((topic) => store.get(topic));
    const isConnected = store.get("connection").state === "live";
    this.#drawConnection(store.get("connection"));
    if (clock) this.#drawClock(clock, feed, isConnected);
    if (!session || !feed) return;
    // what other panels show is old as well
    setAttribute(document.body, "data-cut", isConnected ? null : "true");
    this.#drawFeed(feed, clock, isConnected);
    this.#drawLast(session, clock, { feed, last: store.get("last"), isConnected });
    this.#drawOver(session, feed.over);
  };

  #drawConnection({ state, reason }) {
    setText(this.fields.connection, CONNECTION[state]);
    setAttribute(this.fields.connection, "data-state", state);
    setAttribute(this.fields.connection, "title", reason ?? "The connection of this page to the server");
  }

  #drawClock({ playhead, trade_date: tradeDate }, feed, isConnected) {
    const seconds = secondsFromNs(playhead);
    setText(this.fields.time, seconds ? etClock(seconds) : "--:--:--");
    setText(this.fields.date, seconds ? `${etDay(seconds)} ET` : "ET");
    setText(this.fields.tradeDate, tradeDate ? `trade date ${dayOfDate(tradeDate)}` : "");
    setAttribute(this.fields.clock, "data-stale", !isConnected || (feed && feedChip(feed).state === "stopped") ? "true" : null);
  }

  #drawFeed(feed, clock, isConnected) {
    const chip = feedChip(feed, isConnected);
    setText(this.fields.feed, chip.text);
    setAttribute(this.fields.feed, "data-state", chip.state);
    setAttribute(this.fields.feed, "title", chip.title);
    const market = clock ? secondsFromNs(clock.playhead) : 0;
    setText(this.fields.opening, isConnected ? openingText({ feed, market }) : "");
    setText(this.fields.coming, comingText(feed));
  }

  #drawLast(session, clock, { feed, last, isConnected }) {
    const { isOld, title } = priceState({ feed, last, isConnected });
    setAttribute(this.fields.last, "data-old", isOld ? "true" : null);
    setAttribute(this.fields.last, "title", title);
    setText(this.fields.contract, clock?.contract ?? session.root);
    setText(this.fields.last, last ? new PriceFormat(session).text(last.price, { group: true }) : "–");
    setAttribute(this.fields.last, "data-side", last?.side ?? null);
  }

  /** The session that is over can be replayed once it is stored. */
  #drawOver({ root, lookback_days: lookback }, over) {
    const { replay } = this.fields;
    show(replay, Boolean(over));
    if (!over) return;
    const [date, time] = over.entry.split(" ");
    const values = { root, entry_date: date, entry_time: time, timeframe: this.context.store.get("focus")?.timeframe ?? "5m", lookback_days: lookback };
    for (const [name, value] of Object.entries(values)) replay.elements[name].value = value;
    const button = replay.querySelector("button");
    button.disabled = !over.stored;
    setText(button, `Replay ${dayOfDate(over.trade_date).split(" ").slice(0, 3).join(" ")}`);
    setAttribute(button, "title", over.stored ? "Replay the session that is over, from its regular open on" : "This session is being stored; a few minutes after its close it can be replayed");
  }
}
