import { setAttribute, setText } from "../ui/dom.js";
import { secondsFromNs } from "../ui/time.js";
import { Subscriptions } from "../workspace/store.js";
import { ageText, shiftText } from "./words.js";

const CONNECTION = {
  idle: "not connected",
  connecting: "connecting",
  live: "connected",
  reconnecting: "connecting again",
  stopped: "disconnected",
};
/** How often the age of what is shown is told anew. */
const TICK_MS = 500;

/** The line at the bottom of the page: always tells the connection, how the feed stands, and how old the data are. */
export class LiveStatus {
  #heardAt = 0;
  #playhead = null;

  mount(root, context) {
    this.context = context;
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-show]")].map((node) => [node.dataset.show, node]));
    this.subscriptions = new Subscriptions(context.store);
    this.subscriptions.add("clock", ({ playhead }) => this.#heard(playhead));
    for (const topic of ["connection", "feed", "last"]) this.subscriptions.add(topic, () => context.frames.request(this.#draw));
    this.timer = setInterval(() => context.frames.request(this.#draw), TICK_MS);
  }

  destroy() {
    clearInterval(this.timer);
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
  }

  #heard(playhead) {
    if (playhead !== this.#playhead) this.#heardAt = performance.now();
    this.#playhead = playhead;
    this.context.frames.request(this.#draw);
  }

  #draw = () => {
    const { store } = this.context;
    const { state, reason } = store.get("connection");
    setText(this.fields.step, reason && state !== "live" ? `${CONNECTION[state]}: ${reason}` : CONNECTION[state]);
    setAttribute(this.fields.step, "data-state", state);
    const feed = store.get("feed");
    if (!feed) return;
    const market = this.#playhead === null ? 0 : secondsFromNs(this.#playhead);
    const waited = (performance.now() - this.#heardAt) / 1000;
    const isConnected = state === "live";
    setText(this.fields.words, isConnected ? feed.words : "");
    setText(this.fields.age, ageText({ feed, isConnected, last: store.get("last"), market, waited }));
    setText(this.fields.shift, shiftText(feed, market));
  };
}
