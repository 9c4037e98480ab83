import { el, setText, show } from "../ui/dom.js";
import { PriceFormat, countText, nanosFromWire } from "../ui/price.js";
import { ContractName } from "../workspace/contract.js";
import { MarketPanel } from "../workspace/market_panel.js";
import { Need } from "../workspace/need.js";
import { KEPT, newest } from "./prints.js";
import { PrintRow } from "./row.js";

const ROW = 18;

/** Time & Sales: every print, the newest on top. It stands still under the mouse. */
export class TapePanel extends MarketPanel {
  watches = { prints: true };
  topics = ["prints", "session", "clock", "job"];
  #rows = [];
  #held = null; // {rows, total} while the mouse is here
  #skip = 0;
  #prints = null;

  mount(root, context) {
    this.contract = new ContractName(context.header, { named: false });
    this.#createFilter(context.header.right);
    this.list = el("ol", { class: "prints num", "aria-label": "Prints, the newest first" });
    this.note = el("div", { class: "prints-note", role: "status", hidden: true });
    this.none = el("p", { class: "quiet", hidden: true });
    const head = el("div", { class: "prints-head", "aria-hidden": "true" }, el("span", {}, "Time"), el("span", {}, "Price"), el("span", {}, "Size"));
    this.box = el("div", { class: "prints-box" }, this.list, this.none, this.note);
    this.root = el("div", { class: "tape-panel" }, head, this.box);
    root.append(this.root);
    this.need = new Need(this.root, context, { needs: "trades" });
    this.box.addEventListener("pointerenter", () => this.#hold());
    this.box.addEventListener("pointerleave", () => this.#release());
    this.box.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    this.fill(this.box, ROW, (count) => this.#resize(count));
    this.begin(context);
  }

  #createFilter(header) {
    const title = "Show prints of at least so many lots";
    this.filter = el("input", { class: "size-filter num", type: "number", min: 1, step: 1, value: 1, "aria-label": title, title });
    this.filter.addEventListener("input", () => {
      this.#skip = 0;
      this.redraw();
    });
    this.filter.addEventListener("keydown", ({ key }) => (key === "Enter" || key === "Escape") && this.filter.blur());
    header.append(el("label", { class: "faint", title }, "≥ ", this.filter));
  }

  #resize(count) {
    while (this.#rows.length > count) this.#rows.pop().root.remove();
    while (this.#rows.length < count) {
      this.#rows.push(new PrintRow());
      this.list.append(this.#rows.at(-1).root);
    }
  }

  #hold() {
    const prints = this.#prints;
    if (prints) this.#held = { prints, rows: prints.rows.slice(-KEPT), total: prints.total };
    this.redraw();
  }

  #release() {
    this.#held = null;
    this.#skip = 0;
    this.redraw();
  }

  #wheeled(event) {
    event.preventDefault();
    const lines = Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW));
    const most = newest(this.#held?.rows ?? [], { count: Infinity, atLeast: this.#atLeast }).length - this.#rows.length + 1;
    this.#skip = Math.max(0, Math.min(this.#skip + lines, most));
    this.redraw();
  }

  get #atLeast() {
    return Math.max(1, Math.floor(Number(this.filter.value)) || 1);
  }

  draw() {
    const { store } = this.context;
    const session = store.get("session");
    const prints = store.get("prints") ?? null;
    if (prints !== this.#prints) this.#begin(prints, session);
    const isEmpty = this.need.update(prints);
    show(this.box, !isEmpty);
    this.contract.update(isEmpty ? null : prints, this.format);
    if (isEmpty) return;
    const rows = newest(this.#held?.rows ?? prints.rows, { count: this.#rows.length, skip: this.#skip, atLeast: this.#atLeast });
    const priceText = (price) => this.format.text(nanosFromWire(price, prints.unit));
    const { big } = prints;
    this.#rows.forEach((line, index) => line.update(rows[index] ?? null, priceText, big));
    this.#drawNotes(prints, rows.length === 0);
  }

  /** Another session, or another moment of it: what was held is not its past. */
  #begin(prints, session) {
    this.#prints = prints;
    this.#skip = 0;
    if (session) this.format = new PriceFormat(session);
    this.#held = this.#held && prints ? { prints, rows: prints.rows.slice(-KEPT), total: prints.total } : null;
    for (const row of this.#rows) row.forget();
  }

  #drawNotes(prints, isBare) {
    const since = this.#held ? prints.total - this.#held.total : 0;
    show(this.note, since > 0);
    if (since > 0) setText(this.note, `${countText(since)} came meanwhile`);
    show(this.none, isBare);
    if (isBare) setText(this.none, prints.total ? `None of the last prints has ${countText(this.#atLeast)} lots or more.` : "Nothing has traded yet in this session.");
  }
}
