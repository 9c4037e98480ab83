import { el, setAttribute, setText, show } from "../ui/dom.js";
import { directionOf, moneyText, signedMoney } from "../ui/money.js";
import { readWhole } from "../orders/entry.js";

/** [name, heading] */
export const COLUMNS = [["contract", "Contract"], ["side", "Side"], ["quantity", "Qty"], ["average", "Average"], ["mark", "Mark"], ["open", "Open P&L"], ["realised", "Realised"], ["fees", "Fees"], ["actions", ""]];

/** "long", "short" or "flat" of a signed quantity. */
export function sideText(quantity) {
  if (quantity === 0) return "flat";
  return quantity > 0 ? "long" : "short";
}

/** One contract's position, with the ways to close it. */
export class PositionRow {
  /** desk: the session's; onSent: called with the id of each command. */
  constructor({ desk, onSent }) {
    Object.assign(this, { desk, onSent });
    this.cells = Object.fromEntries(COLUMNS.map(([name]) => [name, el(name === "contract" ? "th" : "td", { class: `c-${name}`, scope: name === "contract" ? "row" : null })]));
    const button = (action, title, text, send) => el("button", { type: "button", class: "bare", "data-action": action, title, onclick: () => this.onSent(send()) }, text);
    this.part = el("input", { type: "text", class: "num part", name: "part", value: "1", "aria-label": "How many to close", title: "How many to close", autocomplete: "off", oninput: () => this.#complain(null) });
    this.problem = el("small", { class: "field-problem", role: "alert", hidden: true });
    this.part.addEventListener("keydown", (event) => this.#keyed(event));
    this.ways = el(
      "span",
      { class: "ways" },
      this.problem,
      this.part,
      el("button", { type: "button", class: "bare", "data-action": "close-part", title: "Close so many at the market", onclick: () => this.#closePart() }, "close"),
      button("flatten-position", "Cancel this contract's orders and close its position", "flatten", () => this.desk.flatten(this.position.contract)),
      button("reverse-position", "Cancel this contract's orders and turn its position round", "reverse", () => this.desk.reverse(this.position.contract)),
    );
    this.cells.actions.append(this.ways);
    this.root = el("tr", {}, ...Object.values(this.cells));
  }

  update(position, format) {
    this.position = position;
    const { cells } = this;
    const { contract, quantity, average, mark, open, realised, fees } = position;
    this.root.classList.toggle("over", quantity === 0);
    setAttribute(this.root, "data-contract", contract);
    setText(cells.contract, contract);
    setText(cells.side, sideText(quantity));
    setAttribute(cells.side, "data-direction", quantity ? (quantity > 0 ? "up" : "down") : "");
    setText(cells.quantity, String(Math.abs(quantity)));
    setText(cells.average, average === null ? "" : format.ofAverage(average, { group: true }));
    setText(cells.mark, mark === null ? "" : format.ofTicks(mark, { group: true }));
    this.#money(cells.open, quantity ? open : null);
    this.#money(cells.realised, realised);
    setText(cells.fees, moneyText(fees));
    show(this.ways, quantity !== 0);
  }

  #money(cell, amount) {
    setText(cell, amount === null ? "" : signedMoney(amount));
    setAttribute(cell, "data-direction", amount === null ? "" : directionOf(amount));
  }

  /** Enter in the field closes nothing by accident: it goes to the button. */
  #keyed({ key }) {
    if (key === "Escape") this.part.blur();
    if (key === "Enter") this.ways.querySelector("[data-action=close-part]").focus();
  }

  #closePart() {
    const { value, problem } = readWhole(this.part.value, { most: Math.abs(this.position.quantity) });
    this.#complain(problem ?? null);
    if (!problem) this.onSent(this.desk.closePart(value, this.position.contract));
  }

  #complain(problem) {
    setText(this.problem, problem ?? "");
    show(this.problem, problem !== null);
    setAttribute(this.part, "aria-invalid", problem === null ? null : "true");
  }
}
