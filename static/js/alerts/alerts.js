import { Store } from "../workspace/store.js";

/** Firings that a page remembers having shown: a message that comes twice is shown once. */
const REMEMBERED = 500;

/**
 * What a page knows of the user's alerts, fed by the messages of /ws/alerts/. Topics of `store`: `chips` (Map of id →
 * chip), `unread`, `settings`, `firing` (each new one), `missed` ({firings, count, isFirst}: told on connecting), `changed`
 * (the lists of alerts must be fetched anew), `silent` (since when, in ms, nobody evaluates them; 0 where that is not known,
 * null while somebody does), `state` (of the connection).
 */
export class Alerts {
  #shown = new Set();
  #newest = null;
  #opened = new Map();
  #replayed = new Map();
  #playheadMs = null;

  /** replay: the key of the replay that the page shows, null for none. send: message → whether it was sent. */
  constructor({ replay = null, send }) {
    Object.assign(this, { replay, send, store: new Store() });
    this.store.set("chips", new Map());
  }

  /** Takes a message of the server. */
  apply(message) {
    const { store } = this;
    if (message.type === "alerts") this.#begin(message);
    else if (message.type === "chips") this.#merge(message);
    else if (message.type === "firings") message.firings.forEach((firing) => this.#fired(firing));
    else if (message.type === "settings") store.set("settings", message.settings);
    else if (message.type === "seen") store.set("unread", message.unread);
    else if (message.type === "changed") this.#changed();
    else if (message.type === "replayed") this.#stand(message);
    else if (message.type === "evaluator") store.set("silent", message.silent_ms);
    if (message.type === "firings") store.set("unread", message.unread);
  }

  /** How an alert stands; on the page of a replay at its playhead there. */
  chip(id) {
    const chip = this.store.get("chips").get(id) ?? null;
    return chip === null || this.replay === null ? chip : { ...chip, ...this.#inReplay(chip) };
  }

  /** The replay of this page stands here (ms). Where it was put back, nothing is known until it is told anew. */
  reached(playheadMs) {
    const isBack = this.#playheadMs !== null && playheadMs < this.#playheadMs;
    this.#playheadMs = playheadMs;
    if (!isBack) return;
    this.#replayed = new Map();
    this.store.set("chips", this.store.get("chips"));
  }

  #inReplay(chip) {
    const tone = chip.tone === "paused" ? "paused" : "off";
    const stands = { value: null, count: 0, closest: null, ...this.#replayed.get(chip.id) };
    const rows = stands.closest ? [{ root: stands.closest, value: stands.value, tone: stands.tone }] : [];
    return { ...stands, tone: tone === "paused" ? tone : (stands.tone ?? tone), rows };
  }

  #stand({ replay, market_ms: ms, chips }) {
    if (replay !== this.replay || (this.#playheadMs !== null && ms > this.#playheadMs)) return;
    this.#replayed = new Map(chips.map((chip) => [chip.id, chip]));
    this.store.set("chips", this.store.get("chips"));
  }

  /** Says that everything up to a firing has been looked at. */
  seen(until) {
    return this.send({ type: "seen", until });
  }

  /** Says that everything up to a firing was shown on this page while it was in front. */
  shown(until) {
    return this.send({ type: "shown", until });
  }

  /** Which All-alerts `who` shows with all their assets: their rows are told only then. */
  open(who, ids) {
    if (ids.length) this.#opened.set(who, ids);
    else this.#opened.delete(who);
    this.#sayOpened();
  }

  #begin({ chips, unread, settings, missed, missed_count: count, silent_ms: silent = null }) {
    const isFirst = this.#newest === null;
    const fresh = missed.filter((firing) => this.#isNew(firing));
    this.#newest = Math.max(this.#newest ?? 0, ...missed.map(({ id }) => id));
    this.store.set("chips", new Map(chips.map((chip) => [chip.id, chip])));
    this.store.set("settings", settings);
    this.store.set("unread", unread);
    this.store.set("silent", silent);
    if (fresh.length) this.store.set("missed", { firings: fresh, count, isFirst });
    if (this.#opened.size) this.#sayOpened();
    if (!isFirst) this.#changed(); // whatever was changed meanwhile was told to nobody here
  }

  #changed() {
    this.store.set("changed", (this.store.get("changed") ?? 0) + 1);
  }

  #merge({ chips, gone }) {
    this.send({ type: "ack" });
    const known = this.store.get("chips");
    for (const chip of chips) known.set(chip.id, chip);
    for (const id of gone) known.delete(id);
    this.store.set("chips", known);
  }

  /** A replayed firing is news only to the pages of its replay; again: where that has come to it once more. */
  #fired(firing) {
    if (!this.#isNew(firing) && !firing.again) return;
    if (firing.replay !== null && String(firing.replay) !== this.replay) return;
    this.store.set("firing", firing);
  }

  #isNew({ id }) {
    if (this.#shown.has(id)) return false;
    this.#shown.add(id);
    if (this.#shown.size > REMEMBERED) this.#shown.delete(this.#shown.values().next().value);
    return true;
  }

  #sayOpened() {
    this.send({ type: "open", alerts: [...new Set([...this.#opened.values()].flat())] });
  }
}
