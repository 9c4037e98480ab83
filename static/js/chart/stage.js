import { el, setAttribute, setText, show } from "../ui/dom.js";
import { countText, isAsking, percentText, shareOf } from "../workspace/loading.js";

/** What the server says of a load that somebody stopped. */
const CANCELLED = "Cancelled.";
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** What lies over the chart area while there is no chart to see: empty, loading, asking, failed. */
export class Stage {
  /** onApprove(job) and onCancel(job) answer what a download costs; onCancel also stops a load. */
  constructor(root, { onRetry, onApprove, onCancel }) {
    this.title = el("h2");
    this.text = el("p");
    this.bar = el("div", { class: "progress", role: "progressbar", "aria-label": "Loading", "aria-valuemin": 0, "aria-valuemax": 100 });
    this.fill = this.bar.appendChild(el("div", { class: "progress-fill" }));
    this.detail = el("p", { class: "dim num" });
    this.retry = el("button", { type: "button", class: "button", onclick: onRetry }, "Load again");
    this.approve = el("button", { type: "button", class: "button button-accent", onclick: () => onApprove(this.job) }, "Download");
    this.cancel = el("button", { type: "button", class: "button", onclick: () => onCancel(this.job) }, "Cancel");
    this.buttons = el("div", { class: "stage-buttons" }, this.retry, this.approve, this.cancel);
    this.root = el("div", { class: "stage", role: "status" }, el("div", { class: "stage-box" }, this.title, this.text, this.bar, this.detail, this.buttons));
    root.append(this.root);
  }

  /** Decides from what is known; `feed` says how live's feed stands, undefined on a page of the past. */
  update({ exists, session, job, connection, bars, feed }) {
    this.job = job;
    if (session && feed) return this.#live(session, feed, bars);
    if (!exists) return this.#empty();
    if (!session) return this.#connecting(connection);
    if (session.state === "failed") return this.#failed(session, job);
    if (session.state === "loading") return isAsking(job) ? this.#asking(session, job) : this.#loading(session, job);
    if (bars && bars.length === 0) return this.#say("No bars yet", "Nothing has traded yet at this moment of the replay. Step or play forward.");
    return show(this.root, false);
  }

  #live(session, feed, bars) {
    if (session.state === "loading") return this.#say(`Waiting for the bars of ${session.root}`, feed.words, { kind: "loading" });
    if (bars && bars.length === 0) return this.#say("No bars yet", "Nothing has traded yet in this session.");
    return show(this.root, false);
  }

  #say(title, text, { kind = "plain", progress = null, detail = "", retry = false, approve = false, cancel = false } = {}) {
    show(this.root, true);
    setAttribute(this.root, "data-kind", kind);
    setText(this.title, title);
    setText(this.text, text);
    show(this.bar, progress !== null);
    if (progress !== null) this.#progress(progress);
    setText(this.detail, detail);
    show(this.retry, retry);
    show(this.approve, approve);
    show(this.cancel, cancel);
  }

  #progress(share) {
    const percent = Math.round(share * 100);
    this.fill.style.width = `${percent}%`;
    setAttribute(this.bar, "aria-valuenow", percent);
  }

  #empty() {
    this.#say("Pick an asset and a moment, then Load", "The replay opens paused at that moment, with the bars that lead up to it.");
  }

  #connecting({ state, reason }) {
    if (state === "stopped") this.#say("Disconnected", sentence(reason), { kind: "failed" });
    else this.#say("Opening the market", reason ? `${sentence(reason)} Trying again …` : "Connecting …");
  }

  #loading(session, job) {
    const queued = job?.state === "queued" ? "Waiting for the download to begin …" : "Preparing the market data …";
    this.#say(`Loading ${session.name ?? session.root}`, job?.message || queued, {
      kind: "loading",
      progress: job ? shareOf(job) : 0,
      detail: job ? [percentText(job), countText(job), job.cost && `about ${job.cost}`].filter(Boolean).join(" · ") : "",
      cancel: Boolean(job),
    });
  }

  #asking(session, job) {
    const who = session.synthetic ? "The synthetic market would charge" : "Databento charges";
    this.#say(`This download costs about ${job.cost}`, `${who} for the data of ${session.root} that is not here yet.`, {
      kind: "asking",
      detail: "It is kept for everybody here, and not paid for again.",
      approve: true,
      cancel: true,
    });
  }

  #failed(session, job) {
    const problem = session.problem || job?.message || "The market data could not be prepared.";
    const title = problem === CANCELLED ? "Loading was cancelled" : "This replay could not be loaded";
    this.#say(title, problem === CANCELLED ? "" : problem, {
      kind: "failed",
      detail: "Choose another asset, moment or lookback above, or load the same once more.",
      retry: true,
    });
  }
}
