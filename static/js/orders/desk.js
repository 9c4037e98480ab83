/** How long the page says that commands were on the way when the connection broke. */
const LOST_MS = 30_000;
const realTimers = { setTimeout: (callback, ms) => setTimeout(callback, ms), clearTimeout: (handle) => clearTimeout(handle) };

/**
 * What a trader asks of the broker. Each command has an id that makes it idempotent; `done` tells that it is on
 * record. Prices are whole ticks of the contract's own prices.
 */
export class Desk {
  #send;
  #number = 0;
  #waiting = new Map();
  #doubtful = []; // what was on the way when the connection broke, until a snapshot tells which orders arrived
  #lost = null; // the ref of the note that stands
  #timer = null;
  #prefix = [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36)).join("");

  /** send: hands a message to the socket and tells whether it went. */
  constructor({ store, send, now = () => Date.now(), timers = realTimers }) {
    Object.assign(this, { store, now, timers });
    this.#send = send;
    store.subscribe("done", (done) => this.#waiting.delete(done.id));
    // a refusal is an answer too
    store.subscribe("error", (error) => error && this.#waiting.delete(error.ref));
    store.subscribe("connection", ({ state }) => state === "reconnecting" && this.#doubt());
    store.subscribe("orders", (orders) => this.#checkDoubtful(orders));
  }

  /** Sends an order: {side, quantity, type, limit, stop, offset, tif, exits, …}; its id, or null if it did not go. */
  submit(order) {
    return this.#give("order.submit", { order });
  }

  /** Changes an order: {quantity, limit, stop, offset}. */
  replace(order, changes) {
    return this.#give("order.replace", { order, ...changes });
  }

  cancel(order) {
    return this.#give("order.cancel", { order });
  }

  cancelAll() {
    return this.#give("order.cancel_all", {});
  }

  /** Cancels all and closes the position of a contract, or of all. */
  flatten(contract = null) {
    return this.#give("flatten", { contract });
  }

  reverse(contract = null) {
    return this.#give("reverse", { contract });
  }

  closePart(quantity, contract = null) {
    return this.#give("position.close", { quantity, contract });
  }

  lock(reason, hard = false) {
    return this.#give("lock", { reason, hard });
  }

  unlock(reason) {
    return this.#give("unlock", { reason });
  }

  locate(shares, contract = null) {
    return this.#give("locate", { shares, contract });
  }

  /** The commands that were sent and are not acknowledged: id → {type, at}. */
  get waiting() {
    return this.#waiting;
  }

  #give(type, fields) {
    const id = `${this.#prefix}-${(this.#number += 1)}`;
    if (!this.#send({ type, id, ...fields, ref: id })) return null;
    this.#withdraw();
    this.#waiting.set(id, { type, at: this.now() });
    return id;
  }

  #doubt() {
    this.#doubtful = [...this.#waiting.keys()];
  }

  /** The first orders after a break are the snapshot's. What did not arrive is said, and never sent again unasked. */
  #checkDoubtful(orders) {
    if (!this.#doubtful.length || this.store.get("connection")?.state !== "live") return;
    const lost = this.#doubtful.filter((id) => this.#waiting.has(id) && !orders.has(id));
    for (const id of this.#doubtful.splice(0)) this.#waiting.delete(id);
    if (lost.length) this.#tellLost(lost);
  }

  #tellLost(lost) {
    const text = `The connection broke while ${lost.length === 1 ? "a command was" : `${lost.length} commands were`} on the way. Look at your orders and positions before you send again.`;
    this.#withdraw();
    this.#lost = lost[0];
    this.#timer = this.timers.setTimeout(() => this.#withdraw(), LOST_MS);
    this.store.set("error", { code: "lost", message: text, ref: lost[0] });
  }

  /** The next command, or half a minute, ends the note: topic `withdrawn`. */
  #withdraw() {
    if (this.#lost === null) return;
    this.timers.clearTimeout(this.#timer);
    const ref = this.#lost;
    this.#lost = null;
    this.store.set("withdrawn", { ref });
  }
}
