/** A press that moves less than this, in pixels, is a click. */
const SLACK = 3;

/**
 * What the mouse does with the levels of a chart: takes hold of a line and moves it, or places an order with Shift (a
 * limit) or Alt (a stop). All else is left to the chart. `at`: {levelAt(point, target), isPane(point)}; `on`: {move(level,
 * y), drop(level, y), giveUp(), place(type, y), point({type, y} or null)}.
 */
export class LevelHand {
  #held = null;

  constructor(root, { at, on }) {
    Object.assign(this, { root, at, on });
    this.ending = new AbortController();
    const listen = (node, types, listener) => {
      for (const type of types) node.addEventListener(type, listener, { capture: true, signal: this.ending.signal });
    };
    listen(root, ["pointerdown"], (event) => this.#pressed(event));
    listen(root, ["pointermove"], (event) => this.#moved(event));
    listen(root, ["pointerup"], (event) => this.#released(event));
    listen(root, ["pointercancel"], () => this.#giveUp());
    listen(root, ["pointerleave"], () => this.#held ?? this.on.point(null));
    // the chart scrolls with these
    listen(root, ["mousedown", "touchstart"], (event) => this.#held && event.stopPropagation());
    listen(window, ["keydown"], (event) => this.#keyed(event));
    listen(window, ["keyup"], ({ key }) => ["Shift", "Alt"].includes(key) && this.on.point(null));
  }

  destroy() {
    this.ending.abort();
  }

  #pressed(event) {
    if (event.button !== 0 || event.target.closest("button")) return;
    const point = this.#pointOf(event);
    const type = typeOf(event);
    const level = type ? null : this.at.levelAt(point, event.target);
    if (level === null && !(type && this.at.isPane(point))) return;
    this.#held = { type, level, from: point, moved: false };
    this.root.setPointerCapture(event.pointerId);
  }

  #moved(event) {
    const point = this.#pointOf(event);
    const held = this.#held;
    if (held === null) {
      this.root.classList.toggle("on-level", this.at.levelAt(point, event.target) !== null);
      const type = typeOf(event);
      this.on.point(type && this.at.isPane(point) ? { type, y: point.y } : null);
      return;
    }
    held.moved ||= Math.hypot(point.x - held.from.x, point.y - held.from.y) > SLACK;
    if (held.level && held.moved) this.on.move(held.level, point.y - held.from.y);
  }

  #released(event) {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { y } = this.#pointOf(event);
    if (held.level === null) {
      if (!held.moved) this.on.place(held.type, held.from.y);
      this.on.point(null);
    } else if (held.moved) this.on.drop(held.level, y - held.from.y);
    else this.on.giveUp();
  }

  #keyed(event) {
    if (event.key !== "Escape" || this.#held === null) return;
    event.stopPropagation();
    this.#giveUp();
  }

  #giveUp() {
    this.#held = null;
    this.on.giveUp();
  }

  #pointOf({ clientX, clientY }) {
    const { left, top } = this.root.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

function typeOf({ shiftKey, altKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey || shiftKey === altKey) return null;
  return shiftKey ? "limit" : "stop";
}
