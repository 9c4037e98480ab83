import { Feed } from "../net/feed.js";
import { NOTHING, SPEEDS, say } from "../net/protocol.js";
import { ReplaySocket } from "../net/socket.js";
import { Desk } from "../orders/desk.js";
import { Asked } from "../working/asked.js";

/** How long a command that the clock has not shown yet counts as done, for a key that is pressed again. */
const WISH_MS = 1500;

/**
 * One replay session as the panels see it: its commands, and the connection that feeds the store.
 * Without a `socketUrl` (the page before the first Load) it holds charts and sends nothing.
 */
export class ReplaySession {
  #charts = new Map();
  #board = false;
  #watching = new Map();
  #watched = NOTHING;
  #wishes = new Map();
  #socket = null;

  constructor({ store, socketUrl = null, onLoggedOut = () => {}, Socket = ReplaySocket, now = () => Date.now() }) {
    Object.assign(this, { store, onLoggedOut, now });
    this.feed = new Feed(store);
    store.set("connection", { state: "idle", reason: null, code: null });
    this.desk = new Desk({ store, send: (message) => this.#send(message) });
    this.asked = new Asked({ store, desk: this.desk });
    if (socketUrl === null) return;
    this.#socket = new Socket({
      url: socketUrl,
      hello: () => ({ charts: this.#openCharts(), board: this.#board, watch: this.#watched, playhead: store.get("clock")?.playhead ?? null }),
      onMessage: (message) => this.feed.apply(message),
      onState: (connection) => this.#connectionChanged(connection),
    });
  }

  /** Whether this page has a replay at all. */
  get exists() {
    return this.#socket !== null;
  }

  start() {
    this.#socket?.open();
  }

  stop() {
    this.#socket?.close();
  }

  retryNow() {
    this.#socket?.retryNow();
  }

  toggle() {
    const playing = this.#wished("playing", this.store.get("clock")?.playing ?? false);
    if (this.#send(playing ? say.pause() : say.play())) this.#wish("playing", !playing);
  }

  speed(value) {
    if (this.#send(say.speed(value))) this.#wish("speed", value);
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
    this.#send(say.step(unit, count, this.focusedChart()));
  }

  /** Moves the playhead to a moment in ET; charts show it even where the user had scrolled away. */
  seek(et) {
    const sent = this.#send(say.seek(et));
    if (sent) this.store.set("sought", et);
    return sent;
  }

  /** Says yes to what a job asks, for the cost that was shown. */
  approve({ id, cost }) {
    this.#send(say.jobApprove(id, cost));
  }

  /** Stops what is being loaded, or says no to its cost. */
  cancelLoad({ id }) {
    this.#send(say.jobCancel(id));
  }

  /** A chart panel's part: opens the chart now, and again after each reconnect. */
  openChart(chart, timeframe) {
    this.#charts.set(chart, timeframe);
    if (!this.store.get("focus")) this.focus(chart);
    this.#socket?.send(say.chartOpen(chart, timeframe));
  }

  setTimeframe(chart, timeframe) {
    if (this.#charts.get(chart) === timeframe) return;
    this.#charts.set(chart, timeframe);
    this.store.set("focus", { chart, timeframe });
    this.#socket?.send(say.chartTimeframe(chart, timeframe));
  }

  closeChart(chart) {
    this.#charts.delete(chart);
    this.#socket?.send(say.chartClose(chart));
    for (const topic of ["bars", "marks", "ranks", "metrics", "risk"]) this.store.drop(`${topic}:${chart}`);
    if (this.focusedChart() === chart) this.focus([...this.#charts.keys()][0] ?? null);
  }

  /** Whether the board is looked at: the server computes it only then. */
  watchBoard(on) {
    if (on === this.#board) return;
    this.#board = on;
    this.#socket?.send(say.board(on));
  }

  /** Has every asset fetched that the board lacks. */
  fetchBoard() {
    this.#send(say.boardFetch());
  }

  /** What a panel wants of {book, prints, ladder} for as long as it can be seen; null for nothing. */
  watch(panel, wanted) {
    if (wanted) this.#watching.set(panel, wanted);
    else this.#watching.delete(panel);
    const watched = Object.assign({ ...NOTHING }, ...this.#watching.values());
    if (Object.keys(NOTHING).every((name) => watched[name] === this.#watched[name])) return;
    this.#watched = watched;
    this.#socket?.send(say.watch(watched));
  }

  /** Has the trades or the order book ("trades", "book") of the session at the playhead fetched. */
  getEvents(grade) {
    this.#send(say.eventsGet(grade));
  }

  /** Has each session brought to a grade as the playhead comes to it; "bars" ends that. */
  keepEvents(grade) {
    this.#send(say.eventsKeep(grade));
  }

  timeframeOf(chart) {
    return this.#charts.get(chart) ?? null;
  }

  /** Makes a chart the one that the bar and the keys act on. */
  focus(chart) {
    this.store.set("focus", chart === null ? null : { chart, timeframe: this.timeframeOf(chart) });
  }

  focusedChart() {
    return this.store.get("focus")?.chart ?? null;
  }

  #openCharts() {
    return [...this.#charts].map(([chart, timeframe]) => ({ chart, timeframe }));
  }

  #send(message) {
    if (!this.exists) return false;
    const sent = this.#socket.send(message);
    if (!sent) {
      const text = "Not sent: the replay is not connected. Try again once it is.";
      this.store.set("error", { code: "offline", message: text, ref: message.ref });
    }
    return sent;
  }

  #connectionChanged(connection) {
    const before = this.store.get("connection").state;
    this.store.set("connection", connection);
    if (connection.state === "live" && before === "reconnecting") this.feed.note("info", "Connected again.");
    if (connection.state === "reconnecting" && before !== "reconnecting") {
      this.feed.note("warn", `Connecting again: ${connection.reason}.`);
    }
    if (connection.state === "stopped") this.feed.note("error", `Disconnected: ${connection.reason}.`);
    if (connection.code === 4401) this.onLoggedOut();
  }

  #wish(name, value) {
    this.#wishes.set(name, { value, until: this.now() + WISH_MS });
  }

  #wished(name, actual) {
    const wish = this.#wishes.get(name);
    return wish && wish.until > this.now() ? wish.value : actual;
  }
}
