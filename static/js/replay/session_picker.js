import { setAttribute } from "../ui/dom.js";
import { etText, isDay } from "../ui/time.js";

const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const GAP = 6;

/**
 * The calendar of the Entry field: a popover with the days of a month, as the server lists them. It opens with its
 * button, or with the down key in the field; typing a date goes on as ever.
 */
export class SessionPicker {
  #listening = new AbortController();

  /** load(url, root): puts what an address answers into an element (htmx does). */
  mount(form, load) {
    const { signal } = this.#listening;
    this.load = load;
    this.form = form;
    this.field = form.elements.entry_date;
    this.root = document.getElementById("session-picker");
    this.field.addEventListener("keydown", (event) => this.#keyInField(event), { signal });
    this.root.addEventListener("keydown", (event) => this.#keyed(event), { signal });
    this.root.addEventListener("click", (event) => this.#pressed(event.target.closest("button")), { signal });
    this.root.addEventListener("beforetoggle", ({ newState }) => this.#toggled(newState === "open"), { signal });
    this.root.addEventListener("htmx:afterSwap", () => this.#focusDay(), { signal });
  }

  destroy() {
    this.#listening.abort();
  }

  #toggled(opens) {
    setAttribute(this.field, "aria-expanded", String(opens));
    if (!opens) return;
    const day = this.field.value.trim();
    this.wanted = isDay(day) ? day : etText(Date.now() / 1000).slice(0, 10);
    const { left, bottom } = this.field.closest(".field").getBoundingClientRect();
    this.root.style.translate = `${left}px ${bottom + GAP}px`;
    this.#show(this.wanted.slice(0, 7));
  }

  #show(month) {
    const query = new URLSearchParams({ root: this.form.elements.root.value, month, chosen: this.field.value.trim() });
    this.load(`${this.root.dataset.url}?${query}`, this.root);
  }

  /** The day that was asked for, or the last of a month that is too short for it. */
  #focusDay() {
    const days = [...this.root.querySelectorAll("[data-day]")];
    const day = days.findLast((each) => each.dataset.day <= this.wanted) ?? days[0];
    if (day && this.root.matches(":popover-open")) this.#focus(day);
  }

  #focus(day) {
    this.wanted = day.dataset.day;
    for (const each of this.root.querySelectorAll("[data-day]")) each.tabIndex = each === day ? 0 : -1;
    day.focus();
  }

  #pressed(button) {
    if (!button || button.disabled) return;
    const { month, day } = button.dataset;
    if (month) this.#turnTo(month);
    else if (day && button.getAttribute("aria-disabled") !== "true") this.#choose(day);
  }

  #turnTo(month) {
    this.wanted = `${month}-${this.wanted.slice(8)}`;
    this.#show(month);
  }

  #choose(day) {
    this.field.value = day;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.root.hidePopover();
    this.field.focus();
  }

  #keyInField(event) {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    this.root.showPopover();
  }

  #keyed(event) {
    // the replay's own keys mean nothing while somebody chooses a day
    event.stopPropagation();
    const move = MOVES[event.key];
    const page = { PageUp: "first", PageDown: "last" }[event.key];
    if (event.key === "Escape") this.root.hidePopover();
    else if (move && event.target.dataset.day) this.#move(move);
    else if (page) this.#pressed(this.root.querySelector(`.picker-head button:${page}-of-type`));
    else return;
    event.preventDefault();
    if (event.key === "Escape") this.field.focus();
  }

  #move(by) {
    const to = new Date(`${this.wanted}T00:00:00Z`);
    to.setUTCDate(to.getUTCDate() + by);
    const day = to.toISOString().slice(0, 10);
    const button = this.root.querySelector(`[data-day="${day}"]`);
    if (button) return this.#focus(button);
    this.wanted = day;
    return this.#show(day.slice(0, 7));
  }
}
