/**
 * The session store: what panels know. A topic holds its latest value; a subscriber gets it at once and
 * then each newer one. Topics: `session`, `clock`, `job`, `log`, `connection`, `error`, `focus`, `sought`,
 * `lookback`, `board`, `book`, `prints`, `volumes`, `feed`, `last`,
 * `orders`, `fills`, `take`, `positions`, `account`, `queues`, `done`, `withdrawn` ({ref} of an error that is no news any more),
 * `asked` (what has been asked of orders and has not come), `ticket` ({quantity} of the next order),
 * `bars:<chart>`, `marks:<chart>`, `ranks:<chart>`, `metrics:<chart>`, `risk:<chart>`.
 */
export class Store {
  #values = new Map();
  #listeners = new Map();

  /** The topic's latest value, or undefined. */
  get(topic) {
    return this.#values.get(topic);
  }

  /** Replaces the topic's value and tells its subscribers. */
  set(topic, value) {
    this.#values.set(topic, value);
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(value);
  }

  /** Forgets a topic's value without telling anyone, as when a chart is closed. */
  drop(topic) {
    this.#values.delete(topic);
  }

  /** Calls `listener` now if the topic has a value, and at each change. Returns the way to stop it. */
  subscribe(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(topic, listeners);
    if (this.#values.has(topic)) listener(this.#values.get(topic));
    return () => listeners.delete(listener);
  }
}

/** The subscriptions of one panel, ended together. */
export class Subscriptions {
  #ends = [];

  constructor(store) {
    this.store = store;
  }

  add(topic, listener) {
    this.#ends.push(this.store.subscribe(topic, listener));
  }

  end() {
    for (const end of this.#ends.splice(0)) end();
  }
}
