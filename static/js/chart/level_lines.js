import { el, setAttribute, setText } from "../ui/dom.js";
import { lanes } from "./levels.js";

const TAG_HEIGHT = 18;
const [SOLID, DASHED, DOTTED] = [0, 2, 1];
/** How near the pointer must be to a line to take hold of it, in pixels. */
const REACH = 4;

/** What of a level can be seen. */
const LOOKS = ["height", "text", "role", "side", "dashed", "waits", "movable", "kind"];

/** One level: a price line of the chart library with its axis label, and a tag over it that can be clicked. */
class LevelLine {
  constructor({ series, colors, onClose }) {
    Object.assign(this, { series, colors });
    this.text = el("span");
    this.close = el("button", { type: "button", "data-action": "close-level", onclick: () => onClose(this.level) }, "×");
    this.tag = el("div", { class: "level-tag num" }, this.text, this.close);
    this.line = series.createPriceLine({ price: 0, lineWidth: 1, axisLabelVisible: true });
  }

  update(level) {
    if (LOOKS.every((name) => level[name] === this.level?.[name])) {
      this.level = level;
      return;
    }
    const { height } = level;
    const color = this.colors[level.side ?? level.role];
    const lineStyle = level.waits ? DOTTED : level.dashed ? DASHED : SOLID;
    this.line.applyOptions({ price: height, color, axisLabelColor: color, lineStyle });
    setText(this.text, level.text);
    setAttribute(this.tag, "data-level", level.key);
    setAttribute(this.tag, "data-role", level.role);
    setAttribute(this.tag, "data-side", level.side);
    setAttribute(this.tag, "data-waits", level.waits);
    setAttribute(this.tag, "data-movable", level.movable);
    const does = level.kind === "position" ? "Flatten: cancel its orders and close the position" : "Cancel this order";
    setAttribute(this.close, "title", does);
    setAttribute(this.close, "aria-label", `${does}: ${level.text}`);
    this.close.hidden = level.kind === "ghost";
    this.level = level;
  }

  remove() {
    this.series.removePriceLine(this.line);
    this.tag.remove();
  }
}

/** The lines of all levels on a chart. The tags follow the price scale: they are placed whenever the chart is painted. */
export class LevelLines {
  #lines = new Map();

  constructor({ chart, series, canvas, colors, onClose }) {
    Object.assign(this, { chart, series, onClose });
    this.colors = { buy: colors.accent, sell: colors.hot, gain: colors.up, loss: colors.down };
    this.overlay = canvas.appendChild(el("div", { class: "levels" }));
    const view = { zOrder: () => "normal", renderer: () => ({ draw: () => this.#place() }) };
    const views = [view];
    this.primitive = { paneViews: () => views };
    series.attachPrimitive(this.primitive);
  }

  /** levels as `levelsOf` gives them, each with its `height` on the axis. */
  draw(levels) {
    const keys = new Set(levels.map(({ key }) => key));
    for (const [key, line] of this.#lines) if (!keys.has(key)) this.#drop(key, line);
    for (const level of levels) this.#lineOf(level.key).update(level);
    this.#place();
  }

  /** The topmost level that can be moved at a point of the pane, or whose tag is `target`; null for none. */
  levelAt({ y }, target) {
    const { height } = this.chart.paneSize(0);
    const tagged = [...this.#lines.values()].find(({ tag }) => tag.contains(target));
    if (tagged) return tagged.level.movable ? tagged.level : null;
    if (y > height) return null;
    const near = [...this.#lines.values()].filter((line) => line.level.movable && Math.abs(this.#yOf(line) - y) <= REACH);
    return near.sort((a, b) => Math.abs(this.#yOf(a) - y) - Math.abs(this.#yOf(b) - y))[0]?.level ?? null;
  }

  #lineOf(key) {
    const known = this.#lines.get(key);
    if (known) return known;
    const line = new LevelLine(this);
    this.#lines.set(key, line);
    this.overlay.append(line.tag);
    return line;
  }

  #drop(key, line) {
    line.remove();
    this.#lines.delete(key);
  }

  #yOf({ level }) {
    return this.series.priceToCoordinate(level.height) ?? -REACH - TAG_HEIGHT;
  }

  #place() {
    if (this.#lines.size === 0) return;
    const { width, height } = this.chart.paneSize(0);
    this.overlay.style.width = `${width}px`;
    this.overlay.style.height = `${height}px`;
    const lines = [...this.#lines.values()];
    const tags = lines.map((line) => ({ y: this.#yOf(line), width: line.tag.offsetWidth }));
    lanes(tags, TAG_HEIGHT, width).forEach((from, index) => {
      lines[index].tag.style.transform = `translate(${-from}px, ${tags[index].y - TAG_HEIGHT / 2}px)`;
    });
  }
}
