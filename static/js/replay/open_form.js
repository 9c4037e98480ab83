import { setAttribute } from "../ui/dom.js";
import { etText, secondsFromNs } from "../ui/time.js";

const NO_ANSWER = "The server did not answer. Check the connection and press Load once more.";

/**
 * The Load form. htmx sends it; this marks the fields that the server's answer names, and says so when there
 * was no answer. Without scripts it is a plain form.
 */
export class OpenForm {
  #listening = new AbortController();

  mount(form) {
    const { signal } = this.#listening;
    this.form = form;
    this.errors = document.getElementById("open-errors");
    form.addEventListener("htmx:beforeRequest", () => this.#clear(), { signal });
    form.addEventListener("htmx:afterSwap", () => this.#markFields(), { signal });
    this.errors.addEventListener("htmx:afterSwap", () => this.#markFields(), { signal });
    for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
      form.addEventListener(name, () => this.#say(NO_ANSWER), { signal });
    }
    // the answer was about what stood there before; "invalid" is the browser's own complaint, which does not bubble
    form.addEventListener("input", () => this.#clear(), { signal });
    form.addEventListener("invalid", () => this.#clear(), { signal, capture: true });
    this.#markFields();
  }

  destroy() {
    this.#listening.abort();
  }

  /**
   * Sends the form, as the "Load again" button does: as it is, or for another asset at the playhead (ns as text) with
   * the replay's own lookback, whatever is typed there.
   */
  submit({ root = null, timeframe = null, playhead = null, lookback = null } = {}) {
    const { elements } = this.form;
    if (root !== null) elements.root.value = root;
    if (timeframe !== null) elements.timeframe.value = timeframe;
    if (lookback !== null) elements.lookback_days.value = lookback;
    if (playhead) [elements.entry_date.value, elements.entry_time.value] = etText(secondsFromNs(playhead)).split(" ");
    this.form.requestSubmit();
  }

  #clear() {
    this.errors.replaceChildren();
    this.#markFields();
  }

  #markFields() {
    const named = new Set([...this.errors.querySelectorAll("[data-field]")].map((node) => node.dataset.field));
    for (const field of this.form.querySelectorAll("input[name], select[name]")) {
      setAttribute(field, "aria-invalid", named.has(field.name) ? "true" : null);
      setAttribute(field, "aria-describedby", named.has(field.name) ? "open-errors" : null);
    }
    this.form.querySelector("[aria-invalid]")?.focus();
  }

  #say(text) {
    const item = document.createElement("li");
    item.textContent = text;
    const list = document.createElement("ul");
    list.className = "errors";
    list.append(item);
    this.errors.replaceChildren(list);
  }
}
