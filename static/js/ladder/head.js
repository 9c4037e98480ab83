import { el, setAttribute, setText } from "../ui/dom.js";
import { quantityOf } from "../working/place.js";

/** The line over the ladder: how much a click buys or sells, what is held, and the ways out. */
export class LadderHead {
  constructor({ store, session }) {
    this.store = store;
    const button = (action, title, text, onclick) => el("button", { type: "button", class: "button button-small", "data-action": action, title, onclick }, text);
    this.quantity = el("input", { class: "num", type: "number", min: 1, step: 1, "aria-label": "Quantity of the next order", title: "Quantity of the next order, as in the ticket" });
    this.quantity.addEventListener("input", () => this.#choose());
    this.quantity.addEventListener("blur", () => this.#show());
    this.quantity.addEventListener("keydown", ({ key }) => (key === "Enter" || key === "Escape") && this.quantity.blur());
    this.lots = el("b");
    this.average = el("span", { class: "ladder-average" });
    this.held = el("span", { class: "ladder-held num", title: "The position in this contract" }, this.lots, this.average);
    this.cancel = button("cancel-all", "Cancel all working orders", "Cancel all", () => session.desk.cancelAll());
    this.flatten = button("flatten", "Cancel the orders of this contract and close its position", "Flatten", () => session.desk.flatten(this.contract));
    this.root = el("div", { class: "ladder-head" }, el("label", {}, el("span", {}, "Qty "), this.quantity), this.held, this.cancel, this.flatten);
  }

  /** held: the position in the contract, or undefined; isKnown: whether positions are; isOpen: whether any order works; isLive: whether commands go. */
  update({ contract, held, isKnown, isOpen, isLive }, priceText) {
    this.contract = contract;
    if (document.activeElement !== this.quantity) this.#show();
    const quantity = held?.quantity ?? 0;
    setText(this.lots, quantity ? `${quantity > 0 ? "+" : "−"}${Math.abs(quantity)}` : isKnown ? "flat" : "");
    setText(this.average, quantity ? ` @ ${priceText(held.average)}` : "");
    setAttribute(this.held, "data-side", quantity ? (quantity > 0 ? "long" : "short") : null);
    this.cancel.disabled = !isLive || !isOpen;
    this.flatten.disabled = !isLive || (!quantity && !isOpen);
  }

  #choose() {
    const quantity = Math.floor(Number(this.quantity.value));
    if (quantity >= 1) this.store.set("ticket", { ...this.store.get("ticket"), quantity });
  }

  #show() {
    const text = String(quantityOf(this.store));
    if (this.quantity.value !== text) this.quantity.value = text;
  }
}
