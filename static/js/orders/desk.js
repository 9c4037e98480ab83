/**
 * What a trader asks of the broker. Each command has an id that makes it idempotent; `done` tells that it is on
 * record. Prices are whole ticks of the contract's own prices.
 */
export class Desk {
  #send;
  #number = 0;
  #waiting = new Map();
  #prefix = [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36)).join("");

  /** send: hands a message to the socket and tells whether it went. */
  constructor({ store, send, now = () => Date.now() }) {
    Object.assign(this, { store, now });
    this.#send = send;
    store.subscribe("done", (done) => this.#waiting.delete(done.id));
    store.subscribe("connection", ({ state }) => state === "live" && this.#checkWaiting());
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
    this.#waiting.set(id, { type, at: this.now() });
    return id;
  }

  /** After a reconnect the snapshot tells which orders arrived; what did not is said, and never sent again unasked. */
  #checkWaiting() {
    const orders = this.store.get("orders") ?? new Map();
    const lost = [...this.#waiting.keys()].filter((id) => !orders.has(id));
    this.#waiting.clear();
    if (!lost.length) return;
    const text = `The connection broke while ${lost.length === 1 ? "a command was" : `${lost.length} commands were`} on the way. Look at your orders and positions before you send again.`;
    this.store.set("error", { code: "lost", message: text, ref: lost[0] });
  }
}
