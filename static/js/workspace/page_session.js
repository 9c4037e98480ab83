import { Feed } from "../net/feed.js";
import { say } from "../net/protocol.js";

/**
 * What the panels of a page with charts share, whatever market it shows: the charts and the board that the page has
 * open, and the connection that feeds the store. Without a socket it holds charts and sends nothing.
 */
export class PageSession {
  #charts = new Map();
  #board = false;

  constructor({ store, onLoggedOut = () => {} }) {
    Object.assign(this, { store, onLoggedOut });
    this.feed = new Feed(store);
    this.socket = null;
    store.set("connection", { state: "idle", reason: null, code: null });
  }

  /** Uses a connection; its first message is made by greet() of what the page has open, {lastSeq}, and `more()`. */
  connect(Socket, { url, greet, more }) {
    this.socket = new Socket({
      url,
      hello: () => ({ charts: this.#openCharts(), board: this.#board, ...more() }),
      greet,
      onMessage: (message) => this.feed.apply(message),
      onState: (connection) => this.#connectionChanged(connection),
    });
  }

  /** Whether this page has a market at all. */
  get exists() {
    return this.socket !== null;
  }

  start() {
    this.socket?.open();
  }

  stop() {
    this.socket?.close();
  }

  retryNow() {
    this.socket?.retryNow();
  }

  /** Says yes to what a job asks, for the cost that was shown. */
  approve({ id, cost }) {
    this.send(say.jobApprove(id, cost));
  }

  /** Stops what is being loaded, or says no to its cost. */
  cancelLoad({ id }) {
    this.send(say.jobCancel(id));
  }

  /** A chart panel's part: opens the chart now, and again after each reconnect. */
  openChart(chart, timeframe) {
    this.#charts.set(chart, timeframe);
    if (!this.store.get("focus")) this.focus(chart);
    this.socket?.send(say.chartOpen(chart, timeframe));
  }

  setTimeframe(chart, timeframe) {
    if (this.#charts.get(chart) === timeframe) return;
    this.#charts.set(chart, timeframe);
    this.store.set("focus", { chart, timeframe });
    this.socket?.send(say.chartTimeframe(chart, timeframe));
  }

  closeChart(chart) {
    this.#charts.delete(chart);
    this.socket?.send(say.chartClose(chart));
    for (const topic of ["bars", "marks", "ranks", "metrics", "risk"]) this.store.drop(`${topic}:${chart}`);
    if (this.focusedChart() === chart) this.focus([...this.#charts.keys()][0] ?? null);
  }

  /** Whether the board is looked at: the server computes it only then. */
  watchBoard(on) {
    if (on === this.#board) return;
    this.#board = on;
    this.socket?.send(say.board(on));
  }

  /** Has every asset fetched that the board lacks. */
  fetchBoard() {
    this.send(say.boardFetch());
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

  /** Sends what somebody asked for, and says so where it cannot. */
  send(message) {
    if (!this.exists) return false;
    const sent = this.socket.send(message);
    if (!sent) {
      const text = "Not sent: the page is not connected. Try again once it is.";
      this.store.set("error", { code: "offline", message: text, ref: message.ref });
    }
    return sent;
  }

  #openCharts() {
    return [...this.#charts].map(([chart, timeframe]) => ({ chart, timeframe }));
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
}
