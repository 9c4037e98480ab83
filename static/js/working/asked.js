/**
 * What has been asked of orders and has not come to pass: a change or a cancel takes its time to the market, and may be
 * refused there. The topic `asked` holds a Map by order: {command, changes, cancels, of}, `of` being the order as it was.
 */
export class Asked {
  #done = new Set();
  #placed = new Set();
  #take = null;

  constructor({ store, desk }) {
    Object.assign(this, { store, desk });
    store.set("asked", new Map());
    store.subscribe("take", ({ number }) => this.#begin(number));
    store.subscribe("orders", (orders) => this.#settle(orders));
    store.subscribe("done", ({ id }) => this.#done.add(id));
    store.subscribe("error", ({ ref }) => ref && this.#forget((wish) => wish.command === ref));
    // what was on the way when the line broke may never have arrived
    store.subscribe("connection", ({ state }) => state === "live" && this.#forget(({ command }) => !this.#done.has(command)));
  }

  /** Sends an order that has no ticket to tell what becomes of it: a rejection is said as an error. */
  submit(order) {
    this.#placed.add(this.desk.submit(order));
  }

  /** Moves or resizes an order: {limit, stop, offset, quantity}; the id of the command, or null if it did not go. */
  replace(order, changes) {
    return this.#ask(order, this.desk.replace(order.id, changes), { changes, cancels: false });
  }

  /** The id of the command, or null if it did not go. */
  cancel(order) {
    return this.#ask(order, this.desk.cancel(order.id), { changes: {}, cancels: true });
  }

  #ask({ id }, command, wish) {
    const of = this.store.get("orders")?.get(id);
    if (command !== null && of !== undefined) {
      const wishes = new Map(this.#wishes);
      // the newest stands last
      wishes.delete(id);
      this.#set(wishes.set(id, { ...wish, command, of }));
    }
    return command;
  }

  get #wishes() {
    return this.store.get("asked");
  }

  /** In another take nothing is on the way. */
  #begin(take) {
    if (take !== this.#take) this.#forget(() => true);
    this.#take = take;
  }

  #settle(orders) {
    for (const [id, wish] of this.#wishes) {
      const order = orders.get(id);
      const isRefused = order !== undefined && order !== wish.of && order.refused && !order.over;
      // as an error that names the command it ends the wish too
      if (isRefused) this.store.set("error", { code: "refused", message: `Refused: ${order.text}.`, ref: wish.command });
    }
    this.#forget((wish, id) => hasCome(orders.get(id), wish));
    this.#hearOfPlaced(orders);
  }

  #hearOfPlaced(orders) {
    for (const id of this.#placed) {
      const order = orders.get(id);
      if (order === undefined || order.status === "pending") continue;
      this.#placed.delete(id);
      if (order.status === "rejected") this.store.set("error", { code: "rejected", message: `Rejected: ${order.text}.`, ref: id });
    }
  }

  #forget(that) {
    const kept = [...this.#wishes].filter(([id, wish]) => !that(wish, id));
    if (kept.length < this.#wishes.size) this.#set(new Map(kept));
  }

  #set(wishes) {
    this.store.set("asked", wishes);
  }
}

function hasCome(order, { changes, cancels }) {
  if (order === undefined || order.over) return true;
  return !cancels && Object.entries(changes).every(([name, value]) => order[name] === value);
}
