/** A WebSocket and timers under the test's hand, and messages of the server. */

export class FakeSocket {
  static made = [];

  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.sent = [];
    FakeSocket.made.push(this);
  }

  static get last() {
    return FakeSocket.made.at(-1);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
    this.closedByPage = true;
  }

  /** The server accepted the connection. */
  accept() {
    this.readyState = 1;
    this.onopen();
  }

  /** The server sends. */
  say(message) {
    this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  /** The connection ends. */
  end(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  sentTypes() {
    return this.sent.map(({ type }) => type);
  }
}

/** setTimeout and setInterval that run when the test moves the time. */
export class FakeTimers {
  now = 0;
  #jobs = new Map();
  #next = 1;

  setTimeout = (callback, ms) => this.#add(callback, ms, null);
  setInterval = (callback, ms) => this.#add(callback, ms, ms);
  clearTimeout = (handle) => this.#jobs.delete(handle);
  clearInterval = (handle) => this.#jobs.delete(handle);

  #add(callback, ms, every) {
    const handle = this.#next++;
    this.#jobs.set(handle, { callback, at: this.now + ms, every });
    return handle;
  }

  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#jobs].filter(([, job]) => job.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [handle, job] = due;
      this.now = job.at;
      if (job.every === null) this.#jobs.delete(handle);
      else job.at += job.every;
      job.callback();
    }
    this.now = end;
  }
}

export const bars = (rows) => ({
  t: rows.map((row) => row[0]),
  o: rows.map((row) => row[1]),
  h: rows.map((row) => row[2]),
  l: rows.map((row) => row[3]),
  c: rows.map((row) => row[4]),
  v: rows.map((row) => row[5]),
});

export const clock = (changes = {}) => ({
  playhead: "1773840600000000000",
  playing: false,
  speed: 1,
  contract: "NQM6",
  trade_date: "2026-03-18",
  grade: "bars",
  at_end: false,
  loading: false,
  ...changes,
});

export const session = (changes = {}) => ({
  id: "s",
  root: "NQ",
  name: "E-mini Nasdaq-100",
  exchange: "CME",
  tick: 250_000_000,
  decimals: 2,
  price_display: "decimal",
  entry_ns: "1773840600000000000",
  lookback_days: 5,
  state: "ready",
  synthetic: true,
  problem: null,
  ...changes,
});

export const chart = (id, rows, changes = {}) => ({
  chart: id,
  timeframe: "5m",
  unit: 250_000_000,
  bars: bars(rows),
  marks: [],
  ...changes,
});

export const snapshot = (seq, changes = {}) => ({
  type: "snapshot",
  seq,
  session: session(),
  clock: clock(),
  charts: [],
  job: null,
  log: [],
  ...changes,
});

export const frame = (seq, charts = [], changes = {}) => ({ type: "frame", seq, clock: clock(changes), charts });

export const roll = (changes = {}) => ({
  t: 1773784800,
  at_ns: "1773784800000000000",
  from: "NQH6",
  to: "NQM6",
  complete: true,
  spread: 178_250_000_000,
  from_volume: null,
  to_volume: null,
  kind: "volume",
  ...changes,
});

const about = { contract: "NQM6", shift: 0, unit: 250_000_000 };

/** Levels are [price, size, orders], the best first. */
export const book = (bids, asks, changes = {}) => {
  const columns = (levels) => ({ p: levels.map(([p]) => p), s: levels.map(([, s]) => s), n: levels.map(([, , n]) => n) });
  return { ...about, bids: columns(bids), asks: columns(asks), ...changes };
};

/** Rows are [nanoseconds as text, price, size, side]. */
export const prints = (rows, changes = {}) => ({
  ...about,
  reset: false,
  left_out: 0,
  t: rows.map(([t]) => t),
  p: rows.map(([, p]) => p),
  s: rows.map(([, , s]) => s),
  side: rows.map(([, , , side]) => side).join(""),
  ...changes,
});

/** Rows are [price, lots]. */
export const volumes = (rows, changes = {}) => ({
  ...about,
  reset: false,
  p: rows.map(([p]) => p),
  v: rows.map(([, v]) => v),
  last: rows.at(-1)?.[0] ?? null,
  ...changes,
});

/** A buy of two at 21034.25 that works. */
export const order = (id, changes = {}) => ({
  id,
  contract: "NQM6",
  side: "buy",
  type: "limit",
  quantity: 2,
  filled: 0,
  limit: 84_137,
  stop: null,
  status: "working",
  over: false,
  triggered: false,
  exit: false,
  refused: false,
  text: "",
  ...changes,
});
