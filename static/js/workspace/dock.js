import { createDockview } from "dockview";

import { el } from "../ui/dom.js";
import { PANELS } from "./panels.js";

const THEME = { name: "futsim", className: "dockview-theme-futsim", colorScheme: "dark", gap: 6, dndTabIndicator: "line" };

/** One panel in its dockview group: mounts the panel's class when dockview opens it, destroys it with it. */
class PanelHost {
  constructor(name, context, headers) {
    Object.assign(this, { definition: PANELS.get(name), context, headers });
    this.element = el("div", { class: "panel-body" });
    this.header = { left: el("div", { class: "panel-header-part" }), right: el("div", { class: "panel-header-part" }) };
  }

  init({ api, params }) {
    this.id = api.id;
    this.headers.set(api.id, this.header);
    const setTitle = (title) => title !== api.title && api.setTitle(title);
    this.panel = new this.definition.Panel();
    const whileVisible = (listener) => visibility(api, listener);
    this.panel.mount(this.element, { ...this.context, panelId: api.id, params, header: { ...this.header, setTitle }, whileVisible });
  }

  dispose() {
    this.headers.delete(this.id);
    this.panel?.destroy();
  }
}

/** Calls `listener` with whether a panel can be seen, now and at each change; returns the way to stop it. */
function visibility(api, listener) {
  listener(api.isVisible);
  const ending = api.onDidVisibilityChange(({ isVisible }) => listener(isVisible));
  return () => ending.dispose();
}

/** The part of a group's one header line that its active panel fills. */
class HeaderPart {
  constructor(group, side, headers) {
    Object.assign(this, { group, side, headers });
    this.element = el("div", { class: `panel-header panel-header-${side}` });
  }

  init() {
    this.ending = this.group.api.onDidActivePanelChange(() => this.#fill());
    this.#fill();
  }

  dispose() {
    this.ending.dispose();
  }

  #fill() {
    const header = this.headers.get(this.group.activePanel?.id);
    this.element.replaceChildren(...(header ? [header[this.side]] : []));
  }
}

/** The windows of a page. `context` is handed to every panel. */
export function createDock(root, context) {
  const headers = new Map();
  return createDockview(root, {
    theme: THEME,
    disableTabsOverflowList: true,
    createComponent: ({ name }) => new PanelHost(name, context, headers),
    createLeftHeaderActionComponent: (group) => new HeaderPart(group, "left", headers),
    createRightHeaderActionComponent: (group) => new HeaderPart(group, "right", headers),
  });
}

const LADDER_WIDTH = 272;
const TAPE_WIDTH = 300;
const NARROWEST = 240;
const TABLES_HEIGHT = 180;
const BOARD_HEIGHT = 260;
const ALERTS_WIDTH = 580;
/** Of the window: the board beside it needs the rest. */
const ALERTS_SHARE = 0.4;
const TICKET_HEIGHT = 336;

/** The first layout: the chart with the tables below it, at the right the ticket above the ladder and the prints. */
export function openDefaultLayout(dock, { timeframe }) {
  dock.addPanel({ id: "chart-1", component: "chart", title: PANELS.get("chart").title, params: { timeframe }, minimumHeight: 200, minimumWidth: 320 });
  addPanel(dock, "orders", { position: { referencePanel: "chart-1", direction: "below" }, initialHeight: TABLES_HEIGHT, minimumHeight: 70 });
  for (const id of ["positions", "history", "log", "board", "alerts"]) addPanel(dock, id, { position: { referencePanel: "orders", direction: "within" } });
  // what stands below the ticket is cut out of its height, the prints are cut out of the ladder's width
  addPanel(dock, "ticket", { position: { direction: "right" }, initialWidth: LADDER_WIDTH + TAPE_WIDTH + THEME.gap, minimumWidth: 2 * NARROWEST + THEME.gap, minimumHeight: 120 });
  addPanel(dock, "ladder", { position: { referencePanel: "ticket", direction: "below" }, minimumWidth: NARROWEST, minimumHeight: 120 });
  addPanel(dock, "tape", { position: { referencePanel: "ladder", direction: "right" }, initialWidth: TAPE_WIDTH, minimumWidth: NARROWEST });
  addPanel(dock, "montage", { position: { referencePanel: "tape", direction: "within" } });
  dock.getPanel("ticket").api.setSize({ height: TICKET_HEIGHT });
}

/** The first layout of live: the chart, below it the board with the log behind it, and the alerts beside that. */
export function openLiveLayout(dock, { timeframe }) {
  dock.addPanel({ id: "chart-1", component: "chart", title: PANELS.get("chart").title, params: { timeframe }, minimumHeight: 200, minimumWidth: 320 });
  addPanel(dock, "board", { position: { referencePanel: "chart-1", direction: "below" }, initialHeight: BOARD_HEIGHT, minimumHeight: 70 });
  addPanel(dock, "log", { position: { referencePanel: "board", direction: "within" } });
  addPanel(dock, "alerts", { position: { referencePanel: "board", direction: "right" }, initialWidth: Math.min(ALERTS_WIDTH, Math.round(window.innerWidth * ALERTS_SHARE)), minimumWidth: NARROWEST });
}

function addPanel(dock, id, options) {
  dock.addPanel({ id, component: id, title: PANELS.get(id).title, inactive: true, ...options });
}
