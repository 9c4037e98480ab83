import { el, setAttribute, setText, show } from "../ui/dom.js";
import { ChipRows, fillChip } from "./chip.js";
import { silentText } from "./words.js";

const LIST = "#alert-list";
const NONE = "Alerts need somebody who is logged in.";

/**
 * The panel Alerts: the server draws its form and its list and htmx sends them; here the chips are kept live, All-alerts
 * are unfolded, and a click on a chip opens its chart.
 */
export class AlertsPanel {
  #rows = new Map();
  #asked = 0; // requests of the user's clicks that are on their way
  #isStale = true; // nothing is drawn yet

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
    this.root.addEventListener("htmx:beforeRequest", (event) => this.#counted(event, 1));
    this.root.addEventListener("htmx:afterRequest", (event) => this.#counted(event, -1));
    this.root.addEventListener("htmx:beforeSwap", (event) => this.#keepEdited(event));
    this.root.addEventListener("htmx:configRequest", ({ detail }) => this.#addPlayhead(detail));
    this.root.addEventListener("htmx:afterSettle", () => this.#listDrawn());
    this.root.addEventListener("htmx:afterSettle", ({ target }) => target.querySelector?.(".errors")?.scrollIntoView({ block: "nearest" }));
    this.root.addEventListener("focusout", () => setTimeout(this.#catchUp, 0));
    const { store } = this.page;
    this.endings = [
      store.subscribe("chips", () => context.frames.request(this.#draw)),
      store.subscribe("silent", () => context.frames.request(this.#draw)),
      store.subscribe("state", (state) => setText(this.state, state === "live" ? this.#whose() : "not connected")),
    ];
    let first = true; // subscribing tells the last change again
    this.endings.push(store.subscribe("changed", () => !first && this.#refresh()));
    first = false;
    this.ending = context.whileVisible((visible) => {
      this.visible = visible;
      this.#sayOpened();
      if (!visible) return;
      context.frames.request(this.#catchUp);
      context.frames.now(this.#draw);
    });
  }

  destroy() {
    if (!this.page) return this.root.remove();
    this.ending();
    for (const end of this.endings) end();
    this.page.alerts.open(this, []);
    for (const drawing of [this.#draw, this.#catchUp]) this.context.frames.cancel(drawing);
    return this.root.remove();
  }

  /** On the page of a replay: that the chips are of its playhead. */
  #whose() {
    return this.page.alerts.replay === null ? "" : "chips: at the playhead";
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

  /** A replay looks back from where it stands: what comes later is not known there. */
  #addPlayhead({ path, parameters }) {
    const clock = this.context.store.get("clock");
    if (path.endsWith("/look-back") && this.page.alerts.replay !== null && clock) parameters.until_ns = clock.playhead;
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

  /** Somebody changed alerts, here or elsewhere. */
  #refresh() {
    this.#isStale = true;
    this.#catchUp();
  }

  /** Has the server draw what is out of date, once it can be seen; what is being edited stays under the hands. */
  #catchUp = () => {
    if (!this.#isStale || !this.visible || !this.root.isConnected || this.#isEdited()) return;
    this.#isStale = false;
    const { panelUrl, listUrl } = this.page.urls;
    if (this.root.querySelector(LIST)) this.page.fetch(listUrl, LIST, { swap: "outerHTML" });
    else this.page.fetch(panelUrl, this.root);
  };

  #counted({ detail }, by) {
    if (!this.#isRefresh(detail)) this.#asked = Math.max(0, this.#asked + by);
  }

  /** A list that was asked for before somebody began to edit comes too late: it is asked for again when he is done. */
  #keepEdited({ detail }) {
    if (!this.#isRefresh(detail) || !this.#isEdited()) return;
    detail.shouldSwap = false;
    this.#isStale = true;
  }

  #isRefresh({ pathInfo }) {
    return pathInfo?.requestPath === this.page.urls.listUrl;
  }

  #isEdited() {
    return this.#asked > 0 || this.root.querySelector(`${LIST} .alert-edit`) !== null;
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

  #drawSilent() {
    const line = this.root.querySelector("[data-show=silent]");
    if (!line) return;
    const words = silentText(this.page.store.get("silent"));
    show(line, words !== "");
    setText(line, words);
  }

  #draw = () => {
    if (!this.visible) return;
    this.#drawSilent();
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
