import { el, setText, show } from "../ui/dom.js";
import { exitsText, problemsOfExits } from "./entry.js";
import { Field } from "./fields.js";

const MOST_TARGETS = 8;
const NONE = "";

/** How an entry is to be left: stop, targets, breakeven and trail, kept under names. A fold-out of the ticket. */
export class BracketForm {
  #targets = [];

  constructor(templates, { onInput }) {
    Object.assign(this, { templates, onInput });
    this.fields = this.#makeFields();
    this.on = el("input", { type: "checkbox", name: "bracket", "aria-label": "Send exits with the order", onchange: () => this.#changed() });
    this.sum = el("span", { class: "fold-sum" });
    this.targets = el("div", { class: "targets" });
    const add = el("button", { type: "button", class: "bare", "data-action": "add-target", onclick: () => this.#addTarget() }, "+ target");
    const { exitStop, after, plus, trigger, distance, trailStep } = this.fields;
    this.body = el(
      "div",
      { class: "fold-body" },
      this.#makeTemplates(),
      el("div", { class: "entries" }, exitStop.root, after.root, plus.root),
      el("div", { class: "entries" }, trigger.root, distance.root, trailStep.root),
      this.targets,
      add,
    );
    const summary = el("summary", { title: "Stop, targets, breakeven and trail, in ticks from the first fill" }, el("span", {}, "Bracket"), this.sum);
    this.root = el("div", { class: "fold" }, this.on, el("details", {}, summary, this.body));
    this.fill({ stop: "", targets: [{ ticks: "", quantity: "" }] });
  }

  /** The fields' texts where exits are to be sent, else null. */
  get exits() {
    return this.on.checked ? this.#texts() : null;
  }

  /** Puts a bracket into the fields. */
  fill({ stop = "", targets = [], after = "", plus = "", trigger = "", distance = "", trailStep = "" }) {
    const texts = { exitStop: stop, after, plus, trigger, distance, trailStep };
    for (const [name, field] of Object.entries(this.fields)) field.text = String(texts[name] ?? "");
    this.#targets = [];
    this.targets.replaceChildren();
    for (const target of targets.length ? targets : [{}]) this.#addTarget(target);
    this.#changed();
  }

  /** Shows problems beside their fields; opens where there is one. */
  complain(problems) {
    for (const [name, field] of Object.entries(this.fields)) field.complain(problems[name]);
    this.#targets.forEach(({ ticks, quantity }, index) => {
      ticks.complain(problems[`target${index}`]);
      quantity.complain(problems[`targetQuantity${index}`]);
    });
    if (this.root.querySelector("[aria-invalid]")) this.root.querySelector("details").open = true;
  }

  #makeFields() {
    const field = (name, label, title, placeholder) => new Field(name, label, { title, placeholder, onInput: () => this.#typed() });
    return {
      exitStop: field("exitStop", "Stop, ticks", "The stop's distance from the first fill"),
      after: field("after", "Breakeven after", "After so many ticks in favour the stop goes to the entry", "ticks"),
      plus: field("plus", "plus", "So many ticks beyond the entry", "0"),
      trigger: field("trigger", "Trail from", "From so many ticks in favour on, the stop follows", "ticks"),
      distance: field("distance", "at", "Its distance from the best price since", "ticks"),
      trailStep: field("trailStep", "in steps of", "It moves by at least so many ticks", "1"),
    };
  }

  #addTarget({ ticks = "", quantity = "" } = {}) {
    if (this.#targets.length >= MOST_TARGETS) return;
    const number = this.#targets.length + 1;
    const onInput = () => this.#typed();
    const fields = {
      ticks: new Field("target", `Target ${number}, ticks`, { title: "The target's distance from the first fill", onInput }),
      quantity: new Field("targetQuantity", "for", { title: "How many leave here; the last target may take all that is left", placeholder: "the rest", onInput }),
    };
    fields.ticks.text = String(ticks);
    fields.quantity.text = String(quantity);
    this.#targets.push(fields);
    this.targets.append(el("div", { class: "entries" }, fields.ticks.root, fields.quantity.root));
  }

  #texts() {
    const text = (name) => this.fields[name].text;
    const targets = this.#targets.map(({ ticks, quantity }) => ({ ticks: ticks.text, quantity: quantity.text }));
    return { stop: text("exitStop"), targets, after: text("after"), plus: text("plus"), trigger: text("trigger"), distance: text("distance"), trailStep: text("trailStep") };
  }

  /** Who fills in exits wants them sent. */
  #typed() {
    const { targets, ...texts } = this.#texts();
    const given = [...Object.values(texts), ...targets.flatMap(({ ticks, quantity }) => [ticks, quantity])];
    if (given.some(Boolean)) this.on.checked = true;
    this.#changed();
  }

  #changed() {
    setText(this.sum, exitsText(this.#texts()));
    this.root.classList.toggle("off", !this.on.checked);
    this.onInput();
  }

  // --- templates ---

  #makeTemplates() {
    this.choice = el("select", { class: "bare", name: "template", "aria-label": "Template of exits", onchange: () => this.#choose() });
    this.name = new Field("templateName", "", { placeholder: "name", title: "The name of this bracket" });
    const button = (action, text, onclick) => el("button", { type: "button", class: "bare", "data-action": action, onclick }, text);
    this.removal = button("remove-template", "remove", () => this.#remove());
    this.#listTemplates(NONE);
    return el("div", { class: "templates" }, el("span", { class: "faint" }, "Template"), this.choice, this.removal, this.name.root, button("save-template", "save", () => this.#save()));
  }

  #listTemplates(chosen) {
    const option = (value, text) => el("option", { value, selected: value === chosen }, text);
    this.choice.replaceChildren(option(NONE, "none"), ...this.templates.names().map((name) => option(name, name)));
    show(this.removal, chosen !== NONE);
  }

  #choose() {
    const fields = this.templates.get(this.choice.value);
    show(this.removal, fields !== null);
    this.name.text = fields === null ? "" : this.choice.value;
    if (fields === null) return;
    this.on.checked = true;
    this.complain({});
    this.fill(fields);
  }

  #save() {
    const problems = problemsOfExits(this.#texts());
    this.complain(problems);
    if (Object.keys(problems).length) return;
    const problem = this.templates.save(this.name.text, this.#texts());
    this.name.complain(problem);
    if (!problem) this.#listTemplates(this.name.text);
  }

  #remove() {
    this.templates.remove(this.choice.value);
    this.name.text = "";
    this.#listTemplates(NONE);
  }
}
