import { storyOf } from "./words.js";

const SENT = { text: "Sent …", level: "info" };
/** A problem is no news any more once it has stood so long, and the market has gone on for so long. */
const READ_MS = 20_000;
const PAST_NS = 60_000_000_000n;

/** The ticket's one line: what became of the newest that was asked, be it from the ticket or from elsewhere. */
export class Story {
  #last = null; // the id of the last order sent from the ticket
  #note = null; // {text, level, ref} or {order, ref}: what was said last, or what was asked last of an order
  #since = null; // orders up to this number are no news; null until any are known
  #take = null;
  #problem = null; // {of, text, ms, ns}: the problem that is told, and since when

  constructor({ now = () => Date.now() } = {}) {
    this.now = now;
  }

  /** A command went from the ticket; words: what is said until there is an answer, null where it is an order. */
  sent(id, words, orders, came = null) {
    if (words === null) this.#last = id;
    this.say(words ? { text: words, level: "info", ref: id, came } : null, orders);
  }

  /** What was asked last of orders (`Asked`): it is told until there is other news, and then what has become of it. */
  asked(wishes, orders) {
    const [id, wish] = [...wishes].at(-1) ?? [];
    if (wish !== undefined && wish.command !== this.#note?.ref) this.say({ order: id, ref: wish.command, level: "info" }, orders);
  }

  /**
   * note: {text, level, ref}, which stands until there is a newer order, or null. `came`, of the words of a command that
   * may lead to no order: (state) what is said once it has come to pass, else null.
   */
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

  /** {text, level, of} at these orders, or null. state: {asked, positions, playhead}, each as its topic has it. */
  told(orders, format, state = {}) {
    const told = this.#newest(orders, format, state);
    return this.#isPast(told, state.playhead) ? null : told;
  }

  #newest(orders, format, state) {
    const newest = newestOf(orders);
    if (orders) this.#since ??= newest?.number ?? 0;
    if (newest !== null && newest.number > this.#since) return outcome(newest, format, state);
    const about = orders?.get(this.#note?.order);
    if (about) return outcome(about, format, state);
    if (this.#note?.text) return { of: this.#note, level: this.#note.level, text: this.#note.came?.({ ...state, orders }) ?? this.#note.text };
    const own = orders?.get(this.#last);
    if (own) return outcome(own, format, state);
    return this.#last === null ? null : SENT;
  }

  /** Whether it is a problem of a while ago. One that is told while the market stands still stays. */
  #isPast(told, playhead) {
    if (told?.level !== "error" || playhead === undefined) {
      this.#problem = null;
      return false;
    }
    const ns = BigInt(playhead);
    if (this.#problem?.of !== told.of || this.#problem.text !== told.text) this.#problem = { of: told.of, text: told.text, ms: this.now(), ns };
    return this.now() - this.#problem.ms > READ_MS && ns - this.#problem.ns > PAST_NS;
  }
}

function outcome(order, format, { asked }) {
  const text = storyOf(order, format, asked?.get(order.id));
  return { of: order.id, text, level: order.status === "rejected" || order.refused ? "error" : "info" };
}

/** The newest order that somebody asked for; exits come by themselves. */
function newestOf(orders) {
  const asked = [...(orders?.values() ?? [])].filter(({ exit }) => !exit);
  return asked.reduce((newest, order) => (newest !== null && newest.number > order.number ? newest : order), null);
}
