import { el, setAttribute, setText, show } from "../ui/dom.js";
import { stepPrice } from "../ui/price_entry.js";
import { readWhole } from "./entry.js";

const LEAP = 10;
let made = 0;

/** A labelled text field that says beside itself what is wrong with it. ↑ and ↓ step it, with Shift by ten. */
export class Field {
  /** onInput: called with each change by the user; title: what the field means. */
  constructor(name, label, { title = null, placeholder = null, onInput = () => {} } = {}) {
    this.onInput = onInput;
    const id = `entry-${(made += 1)}`;
    this.input = el("input", { id, type: "text", name, placeholder, title, class: "num", autocomplete: "off", spellcheck: "false" });
    this.head = el("span", { class: "entry-head" }, el("label", { for: id }, label));
    this.problem = el("small", { class: "field-problem", role: "alert", hidden: true });
    this.root = el("div", { class: "entry" }, this.head, this.input, this.problem);
    this.input.addEventListener("input", () => this.#changed());
    this.input.addEventListener("keydown", (event) => this.#keyed(event));
  }

  get text() {
    return this.input.value.trim();
  }

  /** Fills the field, without telling `onInput`. */
  set text(value) {
    if (this.input.value !== value) this.input.value = value;
  }

  /** Shows what is wrong, or nothing (null). */
  complain(problem) {
    setText(this.problem, problem ?? "");
    show(this.problem, Boolean(problem));
    setAttribute(this.input, "aria-invalid", problem ? "true" : null);
  }

  /** The text after some steps up or down; null where it cannot be stepped. */
  stepped(count) {
    const { value } = readWhole(this.text || "0", { least: 0 });
    return value === undefined ? null : String(Math.max(this.least, value + count));
  }

  least = 0;

  step(count) {
    const text = this.stepped(count);
    if (text === null) return;
    this.text = text;
    this.#changed();
  }

  #changed() {
    this.complain(null);
    this.onInput();
  }

  #keyed(event) {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.step(direction * (event.shiftKey ? LEAP : 1));
  }
}

/** A quantity: at least one, with − and + beside it. */
export class QuantityField extends Field {
  least = 1;

  constructor(name, label, options) {
    super(name, label, options);
    const button = (text, by, title) => el("button", { type: "button", class: "stepper", "data-action": "step-quantity", tabindex: -1, title, onclick: () => this.step(by) }, text);
    this.frame = el("span", { class: "stepped" }, button("−", -1, "One less"), this.input, button("+", 1, "One more"));
    this.root.insertBefore(this.frame, this.problem);
  }
}

/** A price as the asset writes it; ↑ and ↓ go by ticks. */
export class PriceField extends Field {
  format = null;

  stepped(count) {
    return this.format && stepPrice(this.text, count, this.format);
  }
}
