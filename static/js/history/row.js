import { el, setAttribute, setText, show } from "../ui/dom.js";
import { moneyText } from "../ui/money.js";
import { printTime } from "../tape/row.js";
import { flagsText } from "./listing.js";


/** [name, heading] */
export const COLUMNS = [["time", "Time ET"], ["contract", "Contract"], ["side", "Side"], ["quantity", "Qty"], ["price", "Price"], ["fee", "Fee"], ["grade", "Grade"], ["order", "Order"], ["why", "Why"]];
/** One execution; its button unfolds the sentence that explains it. */
export class FillRow {
  constructor() {
    this.cells = Object.fromEntries(COLUMNS.map(([name]) => [name, el("td", { class: `c-${name}` })]));
    this.grade = el("span", { class: "chip" });
    this.flags = el("span", { class: "flags" });
    this.cells.grade.append(this.grade, this.flags);
    this.why = el("button", { type: "button", class: "why", "data-action": "explain", "aria-expanded": "false", onclick: () => this.#toggle() });
    this.cells.why.append(this.why);
    this.root = el("tr", {}, ...Object.values(this.cells));
  }

  update(fill, format) {
    if (fill === this.fill && format === this.format) return;
    Object.assign(this, { fill, format });
    const { cells } = this;
    setText(cells.time, printTime(fill.ns));
    setText(cells.contract, fill.contract);
    setText(cells.side, fill.side);
    setAttribute(cells.side, "data-direction", fill.side === "buy" ? "up" : "down");
    setText(cells.quantity, String(fill.quantity));
    setText(cells.price, format.ofTicks(fill.price, { group: true }));
    setText(cells.fee, moneyText(fill.fee));
    setText(this.grade, fill.grade);
    setText(this.flags, flagsText(fill.flags));
    show(this.flags, fill.flags.length > 0);
    setText(cells.order, `#${fill.order}`);
    setText(this.why, fill.text);
    this.why.title = fill.text;
  }

  #toggle() {
    const isOpen = this.root.classList.toggle("unfolded");
    setAttribute(this.why, "aria-expanded", String(isOpen));
  }
}
