import { el, setAttribute, show } from "../ui/dom.js";
import { BracketForm } from "./bracket_form.js";
import { FIELDS_OF, ORDER_TYPES, TIMES_IN_FORCE, readWhole } from "./entry.js";
import { Field, PriceField, QuantityField } from "./fields.js";
import { quantityFor, readTarget } from "./sizing.js";
import { typeText } from "./words.js";

const QUICK = [1, 2, 5, 10];
const TIF_TITLE = "day: to the close of the session · gtc: until cancelled · ioc, fok: at once or not at all (fok: all of it)";

/** The fields of the ticket: what is sent with Buy or Sell. */
export class TicketForm {
  #sides = { buy: 1, sell: 1 }; // how many a $ Target gives

  /** onInput: called after each change; lastTicks: () the last price in ticks, or null. */
  constructor({ templates, onInput, lastTicks }) {
    Object.assign(this, { onInput, lastTicks });
    this.fields = this.#makeFields();
    this.fields.quantity.text = this.fields.step.text = "1";
    this.bracket = new BracketForm(templates, { onInput });
    this.#makeTypes();
    this.#makeBoxes();
    this.tif = el("select", { name: "tif", onchange: onInput }, ...TIMES_IN_FORCE.map((tif) => el("option", {}, tif)));
    this.tifRoot = el("label", { class: "entry", title: TIF_TITLE }, el("span", { class: "entry-head" }, "TIF"), this.tif);
    const quick = QUICK.map((size) => el("button", { type: "button", class: "bare", "data-action": "quick-size", tabindex: -1, title: `Quantity ${size}`, onclick: () => this.setQuantity(String(size)) }, String(size)));
    this.quick = el("span", { class: "quick" }, ...quick);
    const { quantity, target, limit, stop, offset, step } = this.fields;
    quantity.head.append(this.quick);
    this.main = el("div", { class: "entries" }, quantity.root, target.root, stop.root, limit.root, offset.root, step.root, this.tifRoot);
    this.type = "market";
  }

  /** The type of order that is chosen. */
  get type() {
    return this.types.querySelector(":checked").value;
  }

  set type(type) {
    this.types.querySelector(`[value=${type}]`).checked = true;
    this.#typeChanged();
  }

  /** What the fields hold, for `buildOrder`. */
  values(side) {
    const { limit, stop, offset, step, oco } = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.text]));
    const quantity = this.#isSized ? String(this.#sides[side]) : this.fields.quantity.text;
    return { side, type: this.type, quantity, limit, stop, offset, step, oco, tif: this.tif.value, postOnly: this.postOnly.checked, reduceOnly: this.reduceOnly.checked, exits: this.bracket.exits };
  }

  /** 1e-9 dollars of $ Target; null where it is empty, or wrong. */
  get target() {
    return readTarget(this.fields.target.text).target;
  }

  /** What is wrong with $ Target, in words, or null. */
  get targetProblem() {
    return readTarget(this.fields.target.text).problem;
  }

  /** How many Buy and Sell send: {buy, sell}; null where Qty cannot be read, 0 where $ Target cannot. */
  quantities() {
    if (this.#isSized) return this.#sides;
    const { value = null } = readWhole(this.fields.quantity.text);
    return { buy: value, sell: value };
  }

  /** Whether $ Target has the say, be it right or wrong. */
  get #isSized() {
    return this.fields.target.text !== "";
  }

  /** With a $ Target, Qty follows the risks of one (1e-9 dollars, null where unknown). most: the position limit, or null. */
  size(risks, most) {
    const { target, quantity } = this.fields;
    target.complain(this.targetProblem);
    setAttribute(quantity.input, "data-computed", this.#isSized);
    if (!this.#isSized) return;
    const sized = (risk) => (this.target === null ? 0 : quantityFor(this.target, risk, most));
    this.#sides = { buy: sized(risks.buy), sell: sized(risks.sell) };
    const { buy, sell } = this.#sides;
    quantity.text = buy === sell ? String(buy) : `${buy} / ${sell}`;
  }

  useFormat(format) {
    for (const name of ["limit", "stop"]) this.fields[name].format = format;
    this.format = format;
    this.#prefill();
  }

  /** Shows problems beside their fields, and goes to the first. */
  complain(problems) {
    for (const [name, field] of Object.entries(this.fields)) field.complain(problems[name]);
    this.bracket.complain(problems);
    setAttribute(this.postOnly, "aria-invalid", problems.postOnly ? "true" : null);
    this.postOnlyRoot.title = problems.postOnly ?? this.postOnlyTitle;
    if (problems.oco || problems.postOnly) this.more.open = true;
    const roots = [this.main, this.bracket.root, this.more];
    roots.map((root) => root.querySelector("input[aria-invalid]")).find(Boolean)?.focus();
  }

  #makeFields() {
    const { onInput } = this;
    return {
      quantity: new QuantityField("quantity", "Qty", { title: "Contracts or shares (↑ ↓, with Shift by ten)", onInput: () => this.#quantityTyped() }),
      target: new Field("target", "$ Target", { title: "What the order may risk: Qty follows it, long / short, at each update", placeholder: "off", onInput: () => this.#targetTyped() }),
      limit: new PriceField("limit", "Limit", { title: "↑ ↓ by a tick, with Shift by ten", onInput }),
      stop: new PriceField("stop", "Stop", { title: "↑ ↓ by a tick, with Shift by ten", onInput }),
      offset: new Field("offset", "Offset, ticks", { title: "How far the stop stays behind the best print", onInput }),
      step: new Field("step", "Step, ticks", { title: "By how much it moves at least", onInput }),
      oco: new Field("oco", "OCO", { title: "A name that two orders share: what fills one shrinks the other", placeholder: "a pair's name", onInput }),
    };
  }

  #makeTypes() {
    const radio = (type) => el("label", {}, el("input", { type: "radio", name: "order-type", value: type, checked: type === "market", onchange: () => this.#typeChanged() }), el("span", {}, typeText(type)));
    this.types = el("div", { class: "types", role: "radiogroup", "aria-label": "Type of order" }, ...ORDER_TYPES.map(radio));
  }

  #makeBoxes() {
    const box = (name, text, title) => {
      const input = el("input", { type: "checkbox", name, onchange: this.onInput });
      return [input, el("label", { class: "box", title }, input, text)];
    };
    this.postOnlyTitle = "Rests in the book or is not placed at all";
    [this.postOnly, this.postOnlyRoot] = box("postOnly", "post-only", this.postOnlyTitle);
    [this.reduceOnly, this.reduceOnlyRoot] = box("reduceOnly", "reduce-only", "Closes, but never opens or turns a position");
    this.moreSum = el("span", { class: "fold-sum" });
    const body = el("div", { class: "fold-body entries" }, this.fields.oco.root, this.postOnlyRoot, this.reduceOnlyRoot);
    this.more = el("details", { class: "fold-more" }, el("summary", { title: "A pair's name, post-only, reduce-only" }, el("span", {}, "OCO, flags"), this.moreSum), body);
  }

  /** "OCO breakout · post-only" beside the fold. */
  get extras() {
    const oco = this.fields.oco.text;
    return [oco && `OCO ${oco}`, this.postOnly.checked && "post-only", this.reduceOnly.checked && "reduce-only"].filter(Boolean).join(" · ");
  }

  /** Puts a quantity into Qty, which ends a $ Target. */
  setQuantity(text) {
    this.fields.quantity.text = text;
    this.#quantityTyped();
  }

  /** A quantity of the user's own ends the target's. */
  #quantityTyped() {
    this.fields.target.text = "";
    this.fields.target.complain(null);
    this.onInput();
  }

  #targetTyped() {
    if (!this.fields.target.text) this.fields.quantity.text = String(Math.max(1, Math.min(this.#sides.buy, this.#sides.sell)));
    this.onInput();
  }

  #typeChanged() {
    const wanted = FIELDS_OF[this.type];
    for (const name of ["limit", "stop", "offset", "step"]) {
      show(this.fields[name].root, wanted.includes(name));
      this.fields[name].complain(null);
    }
    this.#prefill();
    this.onInput();
  }

  /** An empty price begins at the last one, an empty offset at ten ticks. */
  #prefill() {
    const last = this.lastTicks();
    for (const name of FIELDS_OF[this.type]) {
      const field = this.fields[name];
      if (name === "offset" && !field.text) field.text = "10";
      else if (field instanceof PriceField && !field.text && last !== null && this.format) field.text = this.format.ofTicks(last);
    }
  }
}
