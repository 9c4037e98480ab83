import { el, setText, show } from "../ui/dom.js";
import { PriceFormat } from "../ui/price.js";
import { Rows } from "../ui/rows.js";
import { Subscriptions } from "./store.js";

/**
 * A panel that is one table. A subclass has `name`, `columns`, `topics` (the first has the rows), `about` (what stands
 * there without rows) and `none` (said before that once it is known that there are none), and the methods
 * `makeHeader(header)`, `makeRow()` and `drawRows({session, …topics})`. It is drawn while it can be seen.
 */
export class SheetPanel {
  #sent = new Map();
  #said = null; // the command whose problem stands there

  mount(root, context) {
    this.context = context;
    this.makeHeader(context.header);
    const body = el("tbody");
    const heads = this.columns.map(([name, text]) => el("th", { scope: "col", class: `c-${name}` }, text));
    this.empty = el("p", { class: "quiet" }, this.about);
    this.problem = el("p", { class: "sheet-problem", role: "alert", hidden: true });
    this.table = el("table", { class: "sheet", "aria-label": this.name }, el("thead", {}, el("tr", {}, ...heads)), body);
    this.root = el("div", { class: "sheet-box" }, this.problem, this.empty, this.table);
    root.append(this.root);
    this.rows = new Rows(body, () => this.makeRow());
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["session", ...this.topics]) this.subscriptions.add(topic, this.redraw);
    this.subscriptions.add("error", (error) => this.#failed(error));
    this.subscriptions.add("withdrawn", ({ ref }) => ref === this.#said && show(this.problem, false));
    this.ending = context.whileVisible((visible) => {
      this.visible = visible;
      // it stands as it was when it was hidden
      if (visible) context.frames.now(this.#draw);
    });
  }

  destroy() {
    this.ending();
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.root.remove();
  }

  redraw = () => this.visible && this.context.frames.request(this.#draw);

  /** A command was sent from here: what is wrong with it is to be said here. about: words before that. */
  remember(id, about = "") {
    if (id !== null) this.#sent.set(id, about);
    show(this.problem, false);
  }

  #failed(error) {
    if (!error || !this.#sent.has(error.ref)) return;
    this.#said = error.ref;
    setText(this.problem, `${this.#sent.get(error.ref)}${error.message}`);
    show(this.problem, true);
  }

  #draw = () => {
    const known = Object.fromEntries(["session", ...this.topics].map((topic) => [topic, this.context.store.get(topic)]));
    if (!known.session) return;
    if (known.session !== this.session) this.format = new PriceFormat(known.session);
    this.session = known.session;
    setText(this.empty, known[this.topics[0]] === undefined ? this.about : `${this.none} ${this.about}`);
    const isBare = this.drawRows(known) === 0;
    show(this.empty, isBare);
    show(this.table, !isBare);
  };
}
