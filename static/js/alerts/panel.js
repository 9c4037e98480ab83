import { el, setAttribute, setText, show } from "../ui/dom.js";
import { ChipRows, fillChip } from "./chip.js";

const LIST = "#alert-list";
const NONE = "Alerts need the page to be logged in.";

/**
 * The panel Alerts: the server draws its form and its list and htmx sends them; here the chips are kept live, All-alerts
 * are unfolded, and a click on a chip opens its chart.
 */
export class AlertsPanel {
  #rows = new Map();
  #isStale = false;

  mount(root, context) {
    this.context = context;
    this.page = context.alerts;
    this.root = el("div", { class: "alerts-panel" });
    root.append(this.root);
    if (!this.page) {
      this.root.append(el("p", { class: "quiet" }, NONE));
      return;
    }
    this.state = el("span", { class: "faint" });
    context.header.right.append(this.state);
    this.root.addEventListener("click", (event) => this.#clicked(event));
    this.root.addEventListener("htmx:afterSettle", () => this.#listDrawn());
    this.root.addEventListener("focusout", () => setTimeout(() => this.#catchUp(), 0));
    const { store } = this.page;
    this.endings = [
      store.subscribe("chips", () => context.frames.request(this.#draw)),
      store.subscribe("state", (state) => setText(this.state, state === "live" ? this.#whose() : "not connected")),
    ];
    let first = true; // subscribing tells the last change again
    this.endings.push(store.subscribe("changed", () => !first && this.#refresh()));
    first = false;
    this.ending = context.whileVisible((visible) => {
      this.visible = visible;
      this.#sayOpened();
      if (visible) context.frames.now(this.#draw);
    });
    this.page.fetch(this.page.urls.panelUrl, this.root);
  }

  destroy() {
    if (!this.page) return this.root.remove();
    this.ending();
    for (const end of this.endings) end();
    this.page.alerts.open(this, []);
    this.context.frames.cancel(this.#draw);
    return this.root.remove();
  }

  /** On a page of the past: that the chips are not of it. */
  #whose() {
    return this.page.alerts.replay === null ? "" : "chips: the live market";
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.chip) this.#openChip(Number(button.dataset.chip));
    else if (button.dataset.unfold) this.#unfold(Number(button.dataset.unfold));
    else if (button.dataset.fill) this.#fillShown();
  }

  #openChip(id) {
    const chip = this.page.alerts.chip(id);
    if (chip === null) return;
    const root = chip.root ?? chip.closest;
    if (root) this.page.open({ root, timeframe: chip.timeframe });
    else this.#unfold(id);
  }

  #unfold(id) {
    if (this.#rows.has(id)) this.#rows.delete(id);
    else this.#rows.set(id, null);
    this.#sayOpened();
    this.#drawFolds();
    this.#draw();
  }

  /** The form takes the asset and the timeframe that the page shows. */
  #fillShown() {
    const { store } = this.context;
    const form = this.root.querySelector("#alert-form");
    if (store.get("session")) form.elements.asset.value = store.get("session").root;
    if (store.get("focus")) form.elements.timeframe.value = store.get("focus").timeframe;
  }

  #sayOpened() {
    this.page.alerts.open(this, this.visible ? [...this.#rows.keys()] : []);
  }

  /** Somebody changed alerts, here or elsewhere. What is being edited is not drawn anew under his hands. */
  #refresh() {
    if (!this.root.querySelector(LIST)) return;
    this.#isStale = this.#isEdited();
    if (!this.#isStale) this.page.fetch(this.page.urls.listUrl, LIST, { swap: "outerHTML" });
  }

  #catchUp() {
    if (this.#isStale && !this.#isEdited()) this.#refresh();
  }

  #isEdited() {
    return this.root.querySelector(`${LIST} .alert-edit`) !== null;
  }

  #listDrawn() {
    for (const id of this.#rows.keys()) this.#rows.set(id, null);
    this.#drawFolds();
    this.#catchUp();
    this.#draw();
  }

  #drawFolds() {
    for (const button of this.root.querySelectorAll("[data-unfold]")) {
      const id = Number(button.dataset.unfold);
      const isOpen = this.#rows.has(id);
      setAttribute(button, "aria-expanded", String(isOpen));
      const box = this.root.querySelector(`[data-rows="${id}"]`);
      show(box, isOpen);
      if (isOpen && this.#rows.get(id) === null) {
        box.replaceChildren();
        this.#rows.set(id, new ChipRows(box, (root) => this.page.open({ root, timeframe: this.page.alerts.chip(id).timeframe })));
      }
    }
  }

  #draw = () => {
    if (!this.visible) return;
    for (const node of this.root.querySelectorAll("[data-chip]")) {
      const chip = this.page.alerts.chip(Number(node.dataset.chip));
      if (chip) fillChip(node, chip);
    }
    for (const [id, rows] of this.#rows) {
      const chip = this.page.alerts.chip(id);
      if (chip && rows) rows.update(chip);
    }
  };
}
