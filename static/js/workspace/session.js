import { NOTHING, SPEEDS, say } from "../net/protocol.js";
import { PageSocket } from "../net/socket.js";
import { Desk } from "../orders/desk.js";
import { Asked } from "../working/asked.js";
import { PageSession } from "./page_session.js";

/** How long a command that the clock has not shown yet counts as done, for a key that is pressed again. */
const WISH_MS = 1500;

/**
 * One replay session as the panels see it: its commands, beside what every page with charts has.
 * Without a `socketUrl` (the page before the first Load) it holds charts and sends nothing.
 */
export class ReplaySession extends PageSession {
  #watching = new Map();
  #watched = NOTHING;
  #wishes = new Map();

  constructor({ store, socketUrl = null, onLoggedOut, Socket = PageSocket, now = () => Date.now() }) {
    super({ store, onLoggedOut });
    this.now = now;
    this.desk = new Desk({ store, send: (message) => this.send(message) });
    this.asked = new Asked({ store, desk: this.desk });
    if (socketUrl === null) return;
    const more = () => ({ watch: this.#watched, playhead: store.get("clock")?.playhead ?? null });
    this.connect(Socket, { url: socketUrl, greet: say.hello, more });
  }

  toggle() {
    const playing = this.#wished("playing", this.store.get("clock")?.playing ?? false);
    if (this.send(playing ? say.pause() : say.play())) this.#wish("playing", !playing);
  }

  speed(value) {
    if (this.send(say.speed(value))) this.#wish("speed", value);
  }

  /** The next speed up (1) or down (−1) from the one that is set. */
  faster(direction) {
    const current = this.#wished("speed", this.store.get("clock")?.speed ?? 1);
    const next = SPEEDS[SPEEDS.indexOf(current) + direction];
    if (next !== undefined && SPEEDS.includes(current)) this.speed(next);
  }

  /** Moves by one `second` or one `bar` of the focused chart: forward (1) or back (−1). */
  step(unit, count) {
    this.#wishes.delete("playing");
    this.send(say.step(unit, count, this.focusedChart()));
  }

  /** Moves the playhead to a moment in ET; charts show it even where the user had scrolled away. */
  seek(et) {
    const sent = this.send(say.seek(et));
    if (sent) this.store.set("sought", et);
    return sent;
  }

  /** What a panel wants of {book, prints, ladder} for as long as it can be seen; null for nothing. */
  watch(panel, wanted) {
    if (wanted) this.#watching.set(panel, wanted);
    else this.#watching.delete(panel);
    const watched = Object.assign({ ...NOTHING }, ...this.#watching.values());
    if (Object.keys(NOTHING).every((name) => watched[name] === this.#watched[name])) return;
    this.#watched = watched;
    this.socket?.send(say.watch(watched));
  }

  /** Has the trades or the order book ("trades", "book") of the session at the playhead fetched. */
  getEvents(grade) {
    this.send(say.eventsGet(grade));
  }

  /** Has each session brought to a grade as the playhead comes to it; "bars" ends that. */
  keepEvents(grade) {
    this.send(say.eventsKeep(grade));
  }

  #wish(name, value) {
    this.#wishes.set(name, { value, until: this.now() + WISH_MS });
  }

  #wished(name, actual) {
    const wish = this.#wishes.get(name);
    return wish && wish.until > this.now() ? wish.value : actual;
  }
}
