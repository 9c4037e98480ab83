import { setAttribute, setText } from "../ui/dom.js";
import { loadingOf } from "../workspace/loading.js";
import { Subscriptions } from "../workspace/store.js";

const CONNECTION = {
  idle: "no replay open",
  connecting: "connecting",
  live: "connected",
  reconnecting: "connecting again",
  stopped: "disconnected",
};

/** The line at the bottom of the page: always tells the connection and what the replay is doing. */
export class StatusLine {
  mount(root, context) {
    this.root = root;
    this.context = context;
    this.connection = root.querySelector("[data-show=step]");
    this.replay = root.querySelector("[data-show=replay]");
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["clock", "session", "connection", "job"]) {
      this.subscriptions.add(topic, () => context.frames.request(this.#draw));
    }
  }

  destroy() {
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
  }

  #draw = () => {
    const { store } = this.context;
    const { state, reason } = store.get("connection");
    setText(this.connection, reason && state !== "live" ? `${CONNECTION[state]}: ${reason}` : CONNECTION[state]);
    setAttribute(this.connection, "data-state", state);
    const [session, clock, job, sought] = ["session", "clock", "job", "sought"].map((topic) => store.get(topic));
    setText(this.replay, replayText({ state, session, clock, job, sought }));
  };
}

/** What the replay does, in words. `state` is that of the connection. */
export function replayText({ state, session, clock, job, sought }) {
  if (!session || state === "stopped") return "";
  if (state !== "live") return "waiting for the server";
  if (session.state === "failed") return "loading failed";
  const loading = loadingOf({ session, clock, job, sought });
  const market = marketText(clock);
  // more is loaded in the background while the market goes on
  if (loading && session.state === "ready" && !clock?.loading) return [market, loading.text].filter(Boolean).join(" · ");
  return loading?.text ?? market;
}

function marketText(clock) {
  if (!clock) return "";
  if (clock.at_end) return "at the end of the data";
  if (!clock.playing) return "paused";
  return clock.speed === "max" ? "playing as fast as it can" : `playing at ${clock.speed}×`;
}
