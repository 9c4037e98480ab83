import { createSeriesMarkers } from "lightweight-charts";

import { el, setText, show } from "../ui/dom.js";
import { lastOf, orderAt, sideAt } from "../working/place.js";
import { movedTo, othersText } from "../working/orders.js";
import { executionDetails, executionMarkers, executionsOn } from "./executions.js";
import { LevelHand } from "./level_hand.js";
import { LevelLines } from "./level_lines.js";
import { heightOf, levelsOf, orderLevel, tickAt } from "./levels.js";

/** Where the ghost of an order that a click would place has its key. */
const GHOST = "ghost";

/** What a trader has of his own on one chart: orders and position as lines, executions as marks. */
export class Own {
  #drag = null; // {key, price} of the line that is being moved
  #ghost = null; // {type, price} of the order that a click would place
  #executions = [];
  #drawn = {};

  constructor({ context, chart, candles, canvas, colors, redraw }) {
    Object.assign(this, { context, candles, colors, redraw });
    this.lines = new LevelLines({ chart, series: candles, canvas, colors, onClose: (level) => this.#close(level) });
    this.note = canvas.appendChild(el("div", { class: "levels-note", hidden: true, title: "They are of another contract, whose prices this chart does not show" }));
    this.markers = createSeriesMarkers(candles, []);
    const isPane = ({ x, y }) => x < chart.paneSize(0).width && y < chart.paneSize(0).height;
    this.hand = new LevelHand(canvas, {
      at: { isPane, levelAt: (point, target) => this.lines.levelAt(point, target) },
      on: {
        move: (level, dy) => this.#hold({ key: level.key, price: this.#movedBy(level, dy) }),
        drop: (level, dy) => this.#drop(level, this.#movedBy(level, dy)),
        giveUp: () => this.#hold(null),
        place: (type, y) => this.#placeAt(type, y),
        point: (at) => this.#point(at),
      },
    });
  }

  destroy() {
    this.hand.destroy();
  }

  /** Draws what there is at the playhead. scale: of the chart's prices; chart: its topic `bars:…`. */
  draw({ scale, chart }) {
    const { store } = this.context;
    const [clock, session, orders, positions, asked] = ["clock", "session", "orders", "positions", "asked"].map((topic) => store.get(topic));
    this.at = { scale, chart, clock, tick: session.tick, shift: clock?.shift ?? 0 };
    const contract = clock?.contract;
    const known = levelsOf({ orders, positions, asked, contract }, this.#priceText);
    const levels = [...known.map((level) => this.#held(level)), ...this.#ghostLevels()];
    this.lines.draw(levels.map((level) => ({ ...level, height: heightOf(level.price, scale, this.at.shift) })));
    const others = othersText({ orders, positions, contract });
    setText(this.note, others && `${others} not shown`);
    show(this.note, others !== "");
    this.#drawExecutions(chart.bars, store.get("fills") ?? []);
  }

  /** The tooltip of the execution with this id, or null. */
  detailsOf(id) {
    const found = this.#executions.find((each) => each.id === id);
    return found ? executionDetails(found) : null;
  }

  #priceText = (ticks) => this.at.scale.format.ofAverage(ticks);

  #drawExecutions(bars, fills) {
    const drawn = { bars, fills, count: bars.length, first: bars.t[0] };
    if (Object.keys(drawn).every((name) => drawn[name] === this.#drawn[name])) return;
    this.#drawn = drawn;
    this.#executions = executionsOn(bars, fills);
    this.markers.setMarkers(executionMarkers(this.#executions, this.colors));
  }

  /** A level as it is under the mouse. */
  #held(level) {
    if (this.#drag?.key !== level.key) return level;
    const order = { ...level.order, ...movedTo(level.order, this.#drag.price) };
    return orderLevel(order, this.#priceText);
  }

  #ghostLevels() {
    const order = this.#ghost && this.#orderAt(this.#ghost);
    if (!order) return [];
    const shown = { ...order, id: GHOST, filled: 0, waits: true };
    return [{ ...orderLevel(shown, this.#priceText), kind: GHOST, movable: false }];
  }

  #hold(drag) {
    this.#drag = drag;
    this.redraw();
  }

  #drop(level, price) {
    this.#drag = null;
    if (price !== level.price) this.context.session.asked.replace(level.order, movedTo(level.order, price));
    this.redraw();
  }

  /** Whether this page has a broker; live has none yet. */
  get #trades() {
    return this.context.session.asked !== undefined;
  }

  #point(at) {
    if (!this.#trades) return;
    if (at === null && this.#ghost === null) return;
    this.#ghost = at && this.at ? { type: at.type, price: this.#tickAt(at.y) } : null;
    this.redraw();
  }

  #placeAt(type, y) {
    const order = this.#trades && this.at && this.#orderAt({ type, price: this.#tickAt(y) });
    if (order) this.context.session.asked.submit(order);
  }

  /** The order that a click at a price places; null while there is no last price. */
  #orderAt({ type, price }) {
    const { chart, clock, tick } = this.at;
    const last = lastOf(chart, clock, tick);
    return last === null ? null : orderAt(this.context.store, { side: sideAt(price, last, type), type, price, origin: "chart" });
  }

  #close(level) {
    if (level.kind === "position") this.context.session.desk.flatten(this.at.clock.contract);
    else this.context.session.asked.cancel(level.order);
  }

  #movedBy(level, dy) {
    const { scale, shift } = this.at;
    return this.#tickAt(this.candles.priceToCoordinate(heightOf(level.price, scale, shift)) + dy);
  }

  #tickAt(y) {
    return tickAt(this.candles.coordinateToPrice(y), this.at.scale, this.at.shift);
  }
}
