import { setAttribute, show } from "../ui/dom.js";
import { Alerts } from "./alerts.js";
import { BannerStack } from "./banners.js";
import { Drawer } from "./drawer.js";
import { Notices } from "./notices.js";
import { ReplayedBanners } from "./replayed.js";
import { AlertSettings } from "./settings.js";
import { Beeper, inOnePage } from "./sound.js";

/** As many missed firings as banners after a lost connection; the drawer has all. */
const MISSED_BANNERS = 4;
/** What fires within this is said to have been shown at once. */
const SHOWN_MS = 300;

/**
 * The alerts of a page: what it knows of them, its banners, sounds, notifications and drawer. A page with charts says
 * with `opensCharts` how a chart is opened in it; on the others the live page is.
 */
export class PageAlerts {
  #open = null;
  #shown = 0;
  #saying = null;

  /** root: the element with the addresses, from base.html. Socket: as ListeningSocket. */
  constructor({ root, replay, Socket, socketUrl }) {
    this.root = root;
    this.urls = root.dataset;
    this.alerts = new Alerts({ replay, send: (message) => this.socket.send(message) });
    this.socket = new Socket({ url: socketUrl, onMessage: (message) => this.alerts.apply(message), onState: (state) => this.#stateChanged(state) });
    this.beeper = new Beeper({ onBlocked: (blocked) => show(this.hint, blocked) });
    this.notices = new Notices({ onClick: (firing) => this.#cameBack(firing) });
    this.settings = new AlertSettings(this);
  }

  get store() {
    return this.alerts.store;
  }

  start() {
    this.hint = this.root.querySelector("[data-show=unlock]");
    this.hint.addEventListener("click", () => this.beeper.unlock());
    this.banners = new BannerStack();
    this.banners.mount(document.body, { onOpen: (firing) => this.open(firing), onReplay: (firing) => this.replayFrom(firing.replay_from) });
    this.replayed = new ReplayedBanners({ show: (firing) => this.#announce(firing), drop: ({ id }) => this.banners.drop(id) });
    this.drawer = new Drawer();
    this.drawer.mount({ root: document.getElementById("alert-drawer"), bell: document.getElementById("alert-bell"), alerts: this.alerts, load: (target) => this.fetch(this.urls.drawerUrl, target) });
    this.settings.mount(document.body);
    this.store.subscribe("firing", (firing) => (firing.replay === null ? this.#announce(firing) : this.replayed.add(firing)));
    this.store.subscribe("missed", (missed) => this.#tellMissed(missed));
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("htmx:load", () => this.settings.draw(document));
    // the first click or key on the page lets it sound from then on
    for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, () => this.beeper.unlock(), { once: true, capture: true });
    this.socket.open();
  }

  /** How this page opens a chart: open({root, timeframe}) gives null, or why it cannot. */
  opensCharts(open) {
    this.#open = open;
  }

  /** The replay of this page stands here (ms): what is later is not known. */
  reached(playheadMs) {
    this.replayed.reached(playheadMs);
    this.alerts.reached(playheadMs);
  }

  /** Opens the chart of an alert or a firing. */
  open({ root, timeframe, replay = null }) {
    const problem = this.#open === null ? this.#leave({ root, timeframe }) : this.#open({ root, timeframe, replay });
    if (problem) this.banners.say("problem", problem, () => this.#leave({ root, timeframe }));
  }

  /** Opens a replay; from: the fields of the Load form. */
  replayFrom(from) {
    const form = document.getElementById("alert-replay");
    for (const [name, value] of Object.entries(from)) form.elements[name].value = value;
    form.submit();
  }

  /** Has htmx draw what an address answers into a node. */
  fetch(url, target, { verb = "GET", swap = "innerHTML", ...more } = {}) {
    return window.htmx.ajax(verb, url, { target, swap, ...more });
  }

  #leave({ root, timeframe }) {
    const url = new URL(this.urls.liveUrl, window.location.href);
    url.searchParams.set("asset", root);
    url.searchParams.set("timeframe", timeframe);
    window.location.assign(url);
    return null;
  }

  #announce(firing) {
    this.banners.show(firing);
    this.#sayShown([firing]);
    this.notices.show(firing);
    this.#sound(firing);
  }

  #sound(firing) {
    const settings = this.store.get("settings");
    if (!settings?.sound_on || firing.sound === "none") return;
    if (this.beeper.canPlay) inOnePage(firing.id, () => this.beeper.play(firing.sound, settings.volume));
    else this.beeper.play(firing.sound, settings.volume); // it cannot, and says so
  }

  /** On a page that is in front a banner is seen: what it told is not missed any more. */
  #sayShown(firings) {
    if (document.visibilityState !== "visible") return;
    this.#shown = Math.max(this.#shown, ...firings.filter(({ replay }) => replay === null).map(({ id }) => id));
    if (!this.#shown || this.#saying !== null) return;
    this.#saying = setTimeout(() => {
      this.#saying = null;
      this.alerts.shown(this.#shown);
    }, SHOWN_MS);
  }

  #tellMissed({ firings, count, isFirst }) {
    this.#sayShown(firings);
    if (!isFirst) {
      for (const firing of firings.slice(-MISSED_BANNERS)) this.banners.show(firing, { isMissed: true });
      this.#sound(firings.at(-1));
      return;
    }
    this.banners.say("missed", count === 1 ? "1 alert fired while you were away" : `${count} alerts fired while you were away`, () => this.drawer.open());
  }

  /** Somebody clicked on what the server drew: a firing's replay, or its chart. */
  #clicked(event) {
    const button = event.target.closest?.("[data-replay-root], [data-open-root]");
    if (!button) return;
    event.preventDefault();
    const { dataset } = button;
    if (dataset.openRoot) this.open({ root: dataset.openRoot, timeframe: dataset.timeframe, replay: dataset.replay || null });
    else this.replayFrom({ root: dataset.replayRoot, entry_date: dataset.entryDate, entry_time: dataset.entryTime, timeframe: dataset.timeframe, lookback_days: dataset.lookbackDays });
  }

  #cameBack(firing) {
    window.focus();
    this.open(firing);
  }

  /** A page may hold what somebody is typing: it is not left because he logged out elsewhere. */
  #stateChanged(state) {
    this.store.set("state", state);
    setAttribute(document.getElementById("alert-bell"), "data-state", state);
  }
}
