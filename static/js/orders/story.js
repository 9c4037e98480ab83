import { storyOf } from "./words.js";

const SENT = { text: "Sent …", level: "info" };

/** The ticket's one line: what became of the newest that was asked, be it from the ticket or from elsewhere. */
export class Story {
  #last = null; // the id of the last order sent from the ticket
  #note = null; // {text, level, ref}: what was said last
  #since = null; // orders up to this number are no news; null until any are known
  #take = null;

  /** A command went from the ticket; words: what is said until there is an answer, null where it is an order. */
  sent(id, words, orders) {
    if (words === null) this.#last = id;
    this.say(words ? { text: words, level: "info", ref: id } : null, orders);
  }

  /** note: {text, level, ref}, which stands until there is a newer order, or null. */
  say(note, orders) {
    this.#note = note;
    if (orders) this.#since = newestOf(orders)?.number ?? 0;
    // it will not become an order any more
    if (note?.level === "error" && note.ref === this.#last) this.#last = null;
  }

  /** What a command was said to have become is not news any more. */
  withdraw(ref) {
    if (this.#note !== null && this.#note.ref === ref) this.#note = null;
  }

  /** In another take there is nothing to tell, but of an order that is on its way: the first one begins take 1. orders: those before. */
  begin(take, orders) {
    if (take === this.#take) return;
    const isFirst = this.#take === null || this.#take === 0;
    this.#take = take;
    if (isFirst) return;
    this.#note = this.#since = null;
    if (orders?.has(this.#last)) this.#last = null;
  }

  /** {text, level} at these orders, or null. */
  told(orders, format) {
    const newest = newestOf(orders);
    if (orders) this.#since ??= newest?.number ?? 0;
    if (newest !== null && newest.number > this.#since) return outcome(newest, format);
    if (this.#note !== null) return this.#note;
    const own = orders?.get(this.#last);
    if (own) return outcome(own, format);
    return this.#last === null ? null : SENT;
  }
}

function outcome(order, format) {
  return { text: storyOf(order, format), level: order.status === "rejected" ? "error" : "info" };
}

/** The newest order that somebody asked for; exits come by themselves. */
function newestOf(orders) {
  const asked = [...(orders?.values() ?? [])].filter(({ exit }) => !exit);
  return asked.reduce((newest, order) => (newest !== null && newest.number > order.number ? newest : order), null);
}
