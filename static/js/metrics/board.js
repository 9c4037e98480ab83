import { TIMEFRAMES } from "../net/protocol.js";
import { el, setAttribute, setText, show } from "../ui/dom.js";
import { secondsFromNs } from "../ui/time.js";
import { Subscriptions } from "../workspace/store.js";
import { METRICS } from "./levels.js";
import { countOf, lacks, rowState, shownCell } from "./rows.js";
import { sortRows } from "./sorting.js";

const ASSET = "asset";
const NOTHING = "Ranks of all assets at the playhead stand here.";
/** How often the moment of the rows is held against a clock that runs, in ms. */
const AGES_MS = 250;

/** All assets by all timeframes at the playhead: how unusual each bar in progress is. A cell opens its chart. */
export class BoardPanel {
  #rows = new Map();
  #order = { by: ASSET, descending: false };
  #drawnAt = 0;

  mount(root, context) {
    this.context = context;
    this.metric = el("select", { class: "bare", "aria-label": "Metric of the board" });
    this.metric.append(...METRICS.map(({ key, label }) => el("option", { value: key }, label)));
    this.metric.value = "vp";
    this.metric.addEventListener("change", () => context.frames.request(this.#draw));
    context.header.left.append(this.metric);
    this.fetch = el("button", { type: "button", class: "button button-small", "data-action": "fetch-board", title: "Fetch the session and its lookback for every asset that lacks them. What costs is asked on the page Jobs.", onclick: () => context.session.fetchBoard() }, "Fetch all assets");
    context.header.right.append(this.fetch);
    this.count = context.header.right.appendChild(el("span", { class: "faint num" }));
    this.body = el("tbody");
    this.heads = new Map([ASSET, ...TIMEFRAMES].map((name) => [name, this.#head(name)]));
    this.empty = el("p", { class: "quiet" }, NOTHING);
    this.table = el("table", { class: "board" }, el("thead", {}, el("tr", {}, ...this.heads.values())), this.body);
    this.root = el("div", { class: "board-panel" }, this.empty, this.table);
    this.root.addEventListener("click", (event) => this.#clicked(event.target.closest("button[data-root]")));
    root.append(this.root);
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["board", "session"]) this.subscriptions.add(topic, () => context.frames.request(this.#draw));
    this.subscriptions.add("clock", () => performance.now() - this.#drawnAt > AGES_MS && context.frames.request(this.#draw));
    this.ending = context.whileVisible((visible) => context.session.watchBoard(visible));
  }

  destroy() {
    this.ending();
    this.context.session.watchBoard(false);
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.root.remove();
  }

  #head(name) {
    const title = name === ASSET ? "Sort by asset" : `Sort by ${name}; assets without a value stay below`;
    const button = el("button", { type: "button", class: "sort", "data-action": "sort", title, onclick: () => this.#sortBy(name) }, name === ASSET ? "Asset" : name);
    return el("th", { scope: "col" }, button);
  }

  #sortBy(name) {
    const same = this.#order.by === name;
    this.#order = { by: name, descending: same ? !this.#order.descending : name !== ASSET };
    this.context.frames.request(this.#draw);
  }

  #clicked(button) {
    if (!button) return;
    const { root, timeframe } = button.dataset;
    const { session, store } = this.context;
    if (root === store.get("session")?.root) session.setTimeframe(session.focusedChart(), timeframe);
    else this.context.openOther({ root, timeframe });
  }

  #draw = () => {
    const rows = this.context.store.get("board")?.rows ?? [];
    const metric = this.metric.value;
    show(this.empty, rows.length === 0);
    show(this.table, rows.length > 0);
    setText(this.count, countOf(rows));
    this.fetch.disabled = rows.length > 0 && !rows.some(lacks);
    this.#drawnAt = performance.now();
    for (const [name, head] of this.heads) setAttribute(head, "aria-sort", this.#sortOf(name));
    const sorted = sortRows(rows, this.#order, metric);
    this.body.replaceChildren(...sorted.map((row) => this.#row(row, metric)));
  };

  #sortOf(name) {
    if (name !== this.#order.by) return null;
    return this.#order.descending ? "descending" : "ascending";
  }

  /** Rows and their cells are kept, so that a button under the mouse stays the same button. */
  #row(told, metric) {
    const { root, name } = told;
    if (!this.#rows.has(root)) this.#rows.set(root, boardRow(root, name));
    const { row, buttons, state } = this.#rows.get(root);
    const now = secondsFromNs(this.context.store.get("clock")?.playhead ?? "0");
    const { text, title } = rowState(told);
    setText(state, text);
    setAttribute(state, "title", title);
    setAttribute(row, "data-own", root === this.context.store.get("session")?.root ? "true" : null);
    for (const timeframe of TIMEFRAMES) fill(buttons.get(timeframe), shownCell(told, timeframe, metric, now));
    return row;
  }
}

function boardRow(root, name) {
  const buttons = new Map(
    TIMEFRAMES.map((timeframe) => [
      timeframe,
      el("button", { type: "button", class: "num", "data-root": root, "data-timeframe": timeframe, "data-action": "open-cell" }),
    ]),
  );
  const cells = [...buttons.values()].map((button) => el("td", {}, button));
  const state = el("span", { class: "board-state" });
  return { row: el("tr", {}, el("th", { scope: "row", title: name }, el("span", {}, root), state), ...cells), buttons, state };
}

function fill(button, { text, level, note, old }) {
  setText(button, text);
  setAttribute(button, "data-level", level);
  setAttribute(button, "data-old", old ? "true" : null);
  setAttribute(button, "title", `${button.dataset.root} ${button.dataset.timeframe}: ${note}. Click to open this chart.`);
}
