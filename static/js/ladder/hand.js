/** Where a click places an order of which side. */
const SIDES = { buy: ".bid", sell: ".ask" };
const [LEFT, MIDDLE, RIGHT] = [0, 1, 2];

/**
 * What the mouse does on the rungs: places, moves and cancels. A price is the one that was there when the button went
 * down. `priceAt(y)`: of the rung at this height of the window; `ownOf(node)`: the orders of a chip, or null; `on`:
 * {place(side, type, price), move({ids, by} or null), drop(orders, by), cancel(orders)}.
 */
export class LadderHand {
  #held = null;

  constructor(rows, { priceAt, ownOf, on }) {
    Object.assign(this, { rows, priceAt, ownOf, on });
    this.ending = new AbortController();
    const { signal } = this.ending;
    rows.addEventListener("pointerdown", (event) => this.#pressed(event), { signal });
    rows.addEventListener("pointermove", (event) => this.#moved(event), { signal });
    rows.addEventListener("pointerup", (event) => this.#released(event), { signal });
    rows.addEventListener("pointercancel", () => this.#giveUp(), { signal });
    rows.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    window.addEventListener("keydown", (event) => this.#keyed(event), { capture: true, signal });
  }

  destroy() {
    this.ending.abort();
  }

  /** Whether a button is down: the prices stay where they are until it is up. */
  get isBusy() {
    return this.#held !== null;
  }

  #pressed(event) {
    if (this.#held !== null) return;
    const price = this.priceAt(event.clientY);
    const held = price === null ? null : this.#grip(event, price);
    if (held === null) return;
    this.#held = held;
    this.rows.setPointerCapture(event.pointerId);
    if (event.button === MIDDLE) event.preventDefault(); // it would scroll
  }

  #grip({ target, button, shiftKey }, price) {
    const orders = this.ownOf(target);
    if (orders) {
      if (button === MIDDLE || (button === LEFT && target.closest("button"))) return { does: "cancel", orders, price };
      return button === LEFT ? { does: "move", orders, price } : null;
    }
    const side = Object.keys(SIDES).find((each) => target.closest(SIDES[each]));
    if (!side || button === MIDDLE) return null;
    return { does: "place", side, type: shiftKey || button === RIGHT ? "stop" : "limit", price };
  }

  #moved({ clientY }) {
    if (this.#held?.does !== "move") return;
    this.on.move({ ids: new Set(this.#held.orders.map(({ id }) => id)), by: this.priceAt(clientY) - this.#held.price });
  }

  #released({ clientY }) {
    const held = this.#held;
    if (held === null) return;
    this.#giveUp();
    const by = this.priceAt(clientY) - held.price;
    if (held.does === "move" && by !== 0) this.on.drop(held.orders, by);
    if (by !== 0) return;
    if (held.does === "place") this.on.place(held.side, held.type, held.price);
    if (held.does === "cancel") this.on.cancel(held.orders);
  }

  #keyed(event) {
    if (event.key !== "Escape" || this.#held === null) return;
    event.stopPropagation();
    this.#giveUp();
  }

  #giveUp() {
    this.#held = null;
    this.on.move(null);
  }
}
