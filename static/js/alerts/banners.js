import { el, setText, show } from "../ui/dom.js";
import { placeOf } from "./place.js";
import { conditionText, firedValueText, marksOf, momentText } from "./words.js";

const SHOWN_MS = 30_000;
/** More than these wait below a line that counts them. */
const MOST = 4;
/** Windows can be dragged about while banners stand there. */
const LOOK_MS = 250;
/** What is never covered: where orders are made, the ticket first. */
const ORDERS = [".ticket, .ladder-panel", ".ticket"];

/** Banners of what has fired, stacked at the top, the newest on top; each leaves after 30 s or when dismissed. */
export class BannerStack {
  #banners = new Map();
  #looking = null;

  /** onOpen(firing): a banner was clicked. onReplay(firing): its replay is wanted. */
  mount(root, { onOpen, onReplay }) {
    Object.assign(this, { onOpen, onReplay });
    this.list = el("ol", { class: "banner-list" });
    this.more = el("button", { type: "button", class: "banner-more", hidden: true, onclick: () => this.#dismissAll() });
    this.root = el("section", { class: "banners", "aria-label": "Alerts that fired", hidden: true }, this.list, this.more);
    root.append(this.root);
    window.addEventListener("resize", this.#place);
  }

  /** Shows a firing. isMissed: it fired while the page was not connected. */
  show(firing, { isMissed = false } = {}) {
    const root = this.#make(firing, isMissed);
    this.#add(`firing-${firing.id}`, root);
  }

  /** Takes away the banner of a firing, also one that waits below the line. */
  drop(id) {
    this.#drop(`firing-${id}`);
  }

  /** Shows a line of words; onclick opens what it is about. */
  say(key, text, onclick) {
    const open = el("button", { type: "button", class: "banner-open", onclick: () => this.#leave(key, onclick) }, el("b", {}, text));
    this.#add(key, el("li", { class: "banner", role: "status" }, open, this.#cross(key)));
  }

  #add(key, root) {
    if (this.#banners.has(key)) this.#drop(key);
    const timer = setTimeout(() => this.#drop(key), SHOWN_MS);
    this.#banners.set(key, { root, timer });
    this.list.prepend(root);
    this.#draw();
  }

  #make(firing, isMissed) {
    const key = `firing-${firing.id}`;
    const mark = (text, title) => el("span", { class: "chip", title }, text);
    const open = el(
      "button",
      { type: "button", class: "banner-open", title: "Open this chart", onclick: () => this.#leave(key, () => this.onOpen(firing)) },
      el("b", { class: "banner-asset" }, `${firing.root} ${firing.timeframe}`),
      ...marksOf(firing).map((words) => mark(...words)),
      el("span", { class: "banner-what" }, conditionText(firing)),
      el("b", { class: "banner-value num" }, firedValueText(firing)),
      firing.replay === null ? null : mark("replayed", "It fired in this replay, at its playhead"),
      isMissed ? mark("missed", "It fired while this page was not connected") : null,
      el("span", { class: "banner-when num" }, momentText(firing.market_ms)),
      firing.note ? el("span", { class: "banner-note" }, firing.note) : null,
    );
    const replay = el("button", { type: "button", class: "button button-small", title: "Replay this from some minutes before", onclick: () => this.onReplay(firing) }, "Replay");
    return el("li", { class: "banner", role: "alert", "data-firing": firing.id }, open, replay, this.#cross(key));
  }

  #cross(key) {
    return el("button", { type: "button", class: "banner-close", "aria-label": "Dismiss", title: "Dismiss", onclick: () => this.#leave(key) }, "×");
  }

  #leave(key, then = () => {}) {
    this.#drop(key);
    then();
  }

  #dismissAll() {
    for (const key of [...this.#banners.keys()]) this.#drop(key);
  }

  #drop(key) {
    const banner = this.#banners.get(key);
    if (!banner) return;
    clearTimeout(banner.timer);
    banner.root.remove();
    this.#banners.delete(key);
    this.#draw();
  }

  #draw() {
    const hidden = Math.max(0, this.#banners.size - MOST);
    [...this.list.children].forEach((banner, index) => show(banner, index < MOST));
    show(this.more, this.#banners.size > 1);
    setText(this.more, hidden ? `and ${hidden} more · dismiss all` : "dismiss all");
    show(this.root, this.#banners.size > 0);
    clearInterval(this.#looking);
    this.#looking = this.#banners.size ? setInterval(this.#place, LOOK_MS) : null;
    this.#place();
  }

  /** Over the chart where there is one, and clear of what takes orders; else in the top line, one line high. */
  #place = () => {
    if (this.root.hidden) return;
    this.root.classList.remove("banners-flat");
    const view = { left: 0, top: 0, width: window.innerWidth, height: window.innerHeight };
    const size = boxOf(this.root);
    const areas = [...boxesOf("#dock .chart-canvas"), view];
    const found = ORDERS.map((orders) => placeOf(size, areas, boxesOf(orders), view)).find((place) => place !== null);
    this.root.classList.toggle("banners-flat", !found);
    const { left, top } = found ?? { left: 0, top: 0 };
    this.root.style.left = `${Math.round(left)}px`;
    this.root.style.top = `${Math.round(top)}px`;
  };
}

function boxOf(node) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return { left, top, width, height };
}

/** The boxes of the nodes that can be seen. */
function boxesOf(selector) {
  return [...document.querySelectorAll(selector)].map(boxOf).filter(({ width, height }) => width > 0 && height > 0);
}
