import { el, setAttribute, setText, show } from "../ui/dom.js";
import { readPrice, stepPrice } from "../ui/price_entry.js";
import { printTime } from "../tape/row.js";
import { readWhole } from "./entry.js";
import { withAsked } from "../working/orders.js";
import { queueText, sideWords, stateText, typeText, wishText } from "./words.js";

/** [name, heading] */
export const COLUMNS = [["number", "Order"], ["side", "Side"], ["quantity", "Qty"], ["type", "Type"], ["limit", "Limit"], ["stop", "Stop"], ["tif", "TIF"], ["queue", "Queue"], ["state", "State"], ["origin", "From"], ["placed", "Placed ET"], ["actions", ""]];
/** What an edit of a type of order may change. */
const EDITABLE = {
  market: ["quantity"],
  limit: ["quantity", "limit"],
  stop: ["quantity", "stop"],
  stop_limit: ["quantity", "limit", "stop"],
  trailing_stop: ["quantity", "offset"],
};
const TITLES = { quantity: "New quantity, the filled part included", limit: "New limit", stop: "New stop", offset: "New offset in ticks" };

/** One order's line. Its quantity and prices become fields when it is edited; Enter sends, Esc gives up. */
export class OrderRow {
  #order = null;
  #told = [];
  #inputs = null;
  #wish = undefined; // what has been asked of it and has not come

  /** asked: the session's; onSent: called with (id of the command, order). */
  constructor({ asked, onSent }) {
    Object.assign(this, { asked, onSent });
    this.cells = Object.fromEntries(COLUMNS.map(([name]) => [name, el(name === "number" ? "th" : "td", { class: `c-${name}`, scope: name === "number" ? "row" : null })]));
    const button = (action, title, text, onclick) => el("button", { type: "button", class: "bare", "data-action": action, title, "aria-label": title, onclick }, text);
    this.edit = button("edit-order", "Change quantity or price (or double-click the row)", "edit", () => this.#edit("quantity"));
    this.cancel = button("cancel-order", "Cancel this order", "✕", () => this.#sent(this.asked.cancel(this.#order)));
    this.cells.actions.append(this.edit, this.cancel);
    this.root = el("tr", {}, ...Object.values(this.cells));
    this.root.addEventListener("dblclick", (event) => this.#edit(event.target.closest("td")?.className.slice(2)));
    this.root.addEventListener("keydown", (event) => this.#keyed(event));
  }

  /**
   * depth: 1 for an exit under its entry; queue: [ahead, displayed] or undefined; wish: what `asked` has of the order;
   * held: signed lots in its contract.
   */
  update({ order, depth, queue, wish, held }, format) {
    const told = [order, depth, queue?.[0], queue?.[1], wish, held, format];
    if (told.every((each, index) => each === this.#told[index])) return;
    this.#told = told;
    this.#order = order;
    this.#wish = wish;
    this.format = format;
    this.#drawWords({ depth, queue, held });
    for (const control of [this.edit, this.cancel]) show(control, !order.over && !order.fixed);
    if (this.#inputs && order.over) this.#close();
    if (!this.#inputs) this.#drawFigures();
  }

  #drawWords({ depth, queue, held }) {
    const { cells } = this;
    const order = this.#order;
    this.root.classList.toggle("over", order.over);
    setAttribute(this.root, "data-order", order.id);
    setAttribute(this.root, "data-status", order.status);
    setText(cells.number, depth ? `└ #${order.number} ${order.type === "limit" ? "target" : "stop"}` : `#${order.number}`);
    setText(cells.side, sideWords(order, held));
    cells.side.classList.toggle("up", order.side === "buy");
    cells.side.classList.toggle("down", order.side === "sell");
    setText(cells.type, typeText(order.type));
    setText(cells.tif, order.tif);
    setText(cells.queue, order.over ? "" : queueText(queue));
    setAttribute(cells.limit, "title", order.over ? null : queueText(queue) || null);
    const state = stateText(order, wishText(this.#wish, this.format));
    setText(cells.state, state);
    setAttribute(cells.state, "title", state);
    setAttribute(this.root, "data-waits", this.#wish !== undefined && !order.over);
    setText(cells.origin, order.exit ? "exit" : order.origin);
    setText(cells.placed, printTime(order.placed));
  }

  #drawFigures() {
    const { cells, format } = this;
    const { filled, quantity, limit, stop, offset } = this.#order;
    const price = (ticks) => (ticks === null ? "" : format.ofTicks(ticks, { group: true }));
    setText(cells.quantity, filled || this.#order.over ? `${filled} / ${quantity}` : String(quantity));
    setAttribute(cells.quantity, "title", `${filled} of ${quantity} filled`);
    setText(cells.limit, price(limit));
    setText(cells.stop, [price(stop), offset === null ? "" : `${offset}t behind`].filter(Boolean).join(" · "));
  }

  // --- editing ---

  #edit(field) {
    const names = EDITABLE[this.#order.type];
    if (this.#order.over || this.#order.fixed || this.#inputs || this.#wish?.cancels) return;
    this.#inputs = Object.fromEntries(names.map((name) => [name, this.#makeInput(name)]));
    for (const [name, input] of Object.entries(this.#inputs)) this.cells[name === "offset" ? "stop" : name].replaceChildren(input);
    this.root.classList.add("editing");
    const chosen = this.#inputs[field] ?? this.#inputs[field === "stop" ? "offset" : "quantity"];
    (chosen ?? this.#inputs.quantity).select();
  }

  /** The order as it will be once what was asked has come. */
  get #wanted() {
    return withAsked(this.#order, this.#wish);
  }

  #makeInput(name) {
    const value = this.#wanted[name];
    const text = name === "limit" || name === "stop" ? this.format.ofTicks(value) : String(value);
    return el("input", { type: "text", class: "num", name, value: text, "aria-label": TITLES[name], title: `${TITLES[name]}: Enter sends, Esc gives up`, autocomplete: "off" });
  }

  #keyed(event) {
    if (!this.#inputs) return;
    if (event.key === "Enter") this.#save();
    else if (event.key === "Escape") this.#close();
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.#step(event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step({ target, key, shiftKey }) {
    const count = (key === "ArrowUp" ? 1 : -1) * (shiftKey ? 10 : 1);
    const isPrice = ["limit", "stop"].includes(target.name);
    const text = isPrice ? stepPrice(target.value, count, this.format) : String(Math.max(1, (readWhole(target.value).value ?? 0) + count));
    if (text !== null) target.value = text;
  }

  /** Sends what is other than before, and with it what is on its way; nothing where all is the same. */
  #save() {
    const changes = {};
    const wanted = this.#wanted;
    let isOther = false;
    for (const [name, input] of Object.entries(this.#inputs)) {
      const read = ["limit", "stop"].includes(name) ? readPrice(input.value, this.format) : readWhole(input.value);
      setAttribute(input, "aria-invalid", read.problem ? "true" : null);
      if (read.problem) {
        input.title = read.problem;
        return input.focus();
      }
      const value = read.ticks ?? read.value;
      if (value !== wanted[name]) isOther = true;
      if (value !== this.#order[name] || value !== wanted[name]) changes[name] = value;
    }
    if (isOther) this.#sent(this.asked.replace(this.#order, changes));
    return this.#close();
  }

  #sent(id) {
    if (id !== null) this.onSent(id, this.#order);
  }

  #close() {
    const cells = new Set(Object.keys(this.#inputs).map((name) => this.cells[name === "offset" ? "stop" : name]));
    this.#inputs = null;
    for (const cell of cells) cell.replaceChildren();
    this.root.classList.remove("editing");
    this.#drawFigures();
  }
}
