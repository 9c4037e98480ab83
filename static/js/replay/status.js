import { setAttribute, setText } from "../ui/dom.js";
import { Subscriptions } from "../workspace/store.js";

const STEP = {
  idle: "no replay open",
  connecting: "connecting",
  live: "replay in step",
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
    for (const topic of ["clock", "session", "connection"]) {
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
    const ready = store.get("session")?.state === "ready";
    const step = state === "live" && !ready ? "connected" : STEP[state];
    setText(this.connection, reason && state !== "live" ? `${step}: ${reason}` : step);
    setAttribute(this.connection, "data-state", state);
    setText(this.replay, replayText(store.get("session"), store.get("clock")));
  };
}

/** What the replay does, in words. */
export function replayText(session, clock) {
  if (!session) return "";
  if (session.state !== "ready") return session.state === "failed" ? "loading failed" : "loading market data";
  if (!clock) return "";
  if (clock.at_end) return "at the end of the data";
  if (!clock.playing) return "paused";
  return clock.speed === "max" ? "playing as fast as it can" : `playing at ${clock.speed}×`;
}
