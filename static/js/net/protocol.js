/**
 * The messages of `/ws/replay/<id>/` and `/ws/live/` (docs/protocol.md). What the server sends is checked here, once;
 * past this door the page trusts it. What the page sends is built here, so that its shape stands in one place.
 */

export const TIMEFRAMES = ["1m", "5m", "15m", "30m", "1h", "90m", "3h", "4h", "1D"];
export const SPEEDS = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, "max"];

export const CLOSE = { LOGGED_OUT: 4401, NOT_FOUND: 4404, TOO_SLOW: 4408, MOVED: 4409 };

/** A message that does not keep to the protocol; the text names the field. */
export class ProtocolError extends Error {}

const BARS = ["t", "o", "h", "l", "c", "v"];
const RANKS = ["t", "vr", "rr", "n"];

function need(condition, field, expected) {
  if (!condition) throw new ProtocolError(`${field} should be ${expected}`);
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string";
const isMoney = (value) => isText(value) && /^-?\d+\.\d+$/.test(value);
const isNs = (value) => isText(value) && /^-?\d+$/.test(value);

function checkColumns(columns, names, field) {
  need(isObject(columns), field, "an object of columns");
  for (const name of names) {
    need(Array.isArray(columns[name]), `${field}.${name}`, "a list");
    need(columns[name].length === columns.t.length, `${field}.${name}`, "as long as the other columns");
  }
}

const checkBars = (bars, field) => checkColumns(bars, BARS, field);

/** How a row of the metrics board stands. */
const ROW_STATES = ["ready", "computing", "queued", "fetching", "asking", "absent", "silent", "unranked", "closed"];

function checkMetrics(metrics, field) {
  need(metrics === null || isObject(metrics), field, "an object or null");
  if (metrics === null) return;
  need(Number.isFinite(metrics.t), `${field}.t`, "UTC seconds");
  need(Number.isSafeInteger(metrics.n), `${field}.n`, "an integer");
  for (const name of ["vr", "vp", "rr", "rp"]) need(metrics[name] === null || Number.isFinite(metrics[name]), `${field}.${name}`, "a number or null");
}

function checkRisk(risk, field) {
  need(risk === null || (isObject(risk) && isMoney(risk.buy) && isMoney(risk.sell)), field, "dollars for buy and sell, or null");
}

function checkMarks(marks, field) {
  need(Array.isArray(marks), field, "a list");
  marks.forEach((mark, index) => {
    need(isObject(mark) && Number.isFinite(mark.t), `${field}[${index}].t`, "UTC seconds");
    need(isNs(mark.at_ns), `${field}[${index}].at_ns`, "nanoseconds as text");
    if (mark.kind === "degraded") need(isObject(mark.days), `${field}[${index}].days`, "an object of days");
    else need(isText(mark.from) && isText(mark.to), `${field}[${index}]`, "a roll with from and to");
  });
}

function checkChart(chart, field) {
  need(isObject(chart), field, "an object");
  need(isText(chart.chart), `${field}.chart`, "a chart's id");
  need(TIMEFRAMES.includes(chart.timeframe), `${field}.timeframe`, "a timeframe");
  need(Number.isSafeInteger(chart.unit) && chart.unit > 0, `${field}.unit`, "a positive integer");
  checkBars(chart.bars, `${field}.bars`);
  checkMarks(chart.marks, `${field}.marks`);
  checkMetrics(chart.metrics ?? null, `${field}.metrics`);
  checkRisk(chart.risk ?? null, `${field}.risk`);
}

function checkClock(clock) {
  need(isObject(clock), "clock", "an object");
  need(isNs(clock.playhead), "clock.playhead", "nanoseconds as text");
  need(typeof clock.playing === "boolean", "clock.playing", "true or false");
  need([null, "bars", "trades", "book"].includes(clock.grade), "clock.grade", "bars, trades, book or null");
}

function checkBook(book) {
  if (book === undefined || book === null) return;
  checkUnit(book, "book");
  for (const side of ["bids", "asks"]) {
    need(isObject(book[side]), `book.${side}`, "an object of columns");
    checkColumns({ ...book[side], t: book[side].p }, ["p", "s", "n"], `book.${side}`);
  }
}

function checkPrints(prints) {
  if (prints === undefined || prints === null) return;
  checkUnit(prints, "prints");
  checkColumns(prints, ["t", "p", "s"], "prints");
  need(isText(prints.side) && /^[ABN]*$/.test(prints.side) && prints.side.length === prints.t.length, "prints.side", "a letter for each print");
  need(Number.isSafeInteger(prints.left_out) && prints.left_out >= 0, "prints.left_out", "a count");
}

function checkVolumes(volumes) {
  if (volumes === undefined || volumes === null) return;
  checkUnit(volumes, "volumes");
  checkColumns({ ...volumes, t: volumes.p }, ["p", "v"], "volumes");
  need(volumes.last === null || Number.isSafeInteger(volumes.last), "volumes.last", "an integer or null");
}

function checkUnit(body, field) {
  need(isObject(body), field, "an object or null");
  need(Number.isSafeInteger(body.unit) && body.unit > 0, `${field}.unit`, "a positive integer");
}

function checkDepth({ book, prints, volumes }) {
  checkBook(book);
  checkPrints(prints);
  checkVolumes(volumes);
}

function checkTrading({ trading, money, queues }) {
  if (trading !== undefined) {
    need(isObject(trading), "trading", "an object");
    need(Array.isArray(trading.orders) && trading.orders.every((order) => isText(order.id)), "trading.orders", "a list of orders");
    need(Array.isArray(trading.fills), "trading.fills", "a list");
  }
  if (money !== undefined) {
    need(isObject(money) && Array.isArray(money.positions), "money.positions", "a list");
    need(isObject(money.account), "money.account", "an object");
  }
  need(queues === undefined || isObject(queues), "queues", "an object");
}

function checkJob(job) {
  need(job === null || isObject(job), "job", "an object or null");
}

function checkSession(session) {
  need(isObject(session), "session", "an object");
  need(Number.isSafeInteger(session.tick) && session.tick > 0, "session.tick", "a positive integer");
  need(["loading", "ready", "failed"].includes(session.state), "session.state", "loading, ready or failed");
}

function checkLive({ feed, last }) {
  if (feed !== undefined) need(isObject(feed) && isText(feed.feed) && isText(feed.words), "feed", "how the feed stands");
  if (last !== undefined && last !== null) need(isObject(last) && isNs(last.t) && isNs(last.price), "last", "a print or null");
}

const CHECKS = {
  snapshot(message) {
    checkSession(message.session);
    checkJob(message.job);
    if (message.clock !== null || message.session.state === "ready") checkClock(message.clock);
    need(Array.isArray(message.charts), "charts", "a list");
    message.charts.forEach((chart, index) => checkChart(chart, `charts[${index}]`));
    need(Array.isArray(message.log), "log", "a list");
    checkDepth(message);
    checkLive(message);
    checkTrading(message);
  },
  frame(message) {
    checkClock(message.clock);
    need(Array.isArray(message.charts), "charts", "a list");
    message.charts.forEach((chart, index) => {
      need(isText(chart.chart), `charts[${index}].chart`, "a chart's id");
      checkBars(chart.bars, `charts[${index}].bars`);
      checkMetrics(chart.metrics ?? null, `charts[${index}].metrics`);
      checkRisk(chart.risk ?? null, `charts[${index}].risk`);
      if (chart.ranks) checkColumns(chart.ranks, RANKS, `charts[${index}].ranks`);
      checkMarks(chart.marks ?? [], `charts[${index}].marks`);
    });
    checkDepth(message);
    checkLive(message);
    checkTrading(message);
  },
  chart(message) {
    checkClock(message.clock);
    checkChart(message, "chart");
  },
  ranks(message) {
    need(isText(message.chart), "chart", "a chart's id");
    need(TIMEFRAMES.includes(message.timeframe), "timeframe", "a timeframe");
    checkColumns(message.ranks, RANKS, "ranks");
  },
  lookback: (message) => need(isObject(message.lookback), "lookback", "an object"),
  board(message) {
    need(isObject(message.board) && Array.isArray(message.board.rows), "board.rows", "a list");
    message.board.rows.forEach((row, index) => {
      need(isText(row.root) && isObject(row.cells), `board.rows[${index}]`, "a root with cells");
      need(ROW_STATES.includes(row.state), `board.rows[${index}].state`, `one of ${ROW_STATES.join(", ")}`);
      need(row.at === null || Number.isSafeInteger(row.at), `board.rows[${index}].at`, "UTC seconds or null");
    });
  },
  done: (message) => need(isText(message.id), "id", "text"),
  job: (message) => checkJob(message.job),
  log: (message) => need(isObject(message.line) && isText(message.line.text), "line", "a log line"),
  error: (message) => need(isText(message.message), "message", "text"),
};

/**
 * One server message from its JSON text, checked as far as every message is: {type, seq, …}.
 * @throws {ProtocolError} where it is no JSON object with a type and a seq
 */
export function readEnvelope(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new ProtocolError("a message is not JSON");
  }
  need(isObject(message), "a message", "an object");
  need(isText(message.type), "type", "text");
  need(Number.isSafeInteger(message.seq), "seq", "an integer");
  return message;
}

/** Checks a message's own fields. Types that this page does not know yet are left alone. */
export function checkMessage(message) {
  CHECKS[message.type]?.(message);
  return message;
}

/** What no panel of a page wants of the order book and the prints. */
export const NOTHING = { book: false, prints: false, ladder: false };

/** Messages from the browser. */
export const say = {
  hello: ({ charts, board = false, watch = NOTHING, lastSeq = null, playhead = null }) => ({ type: "hello", charts, board, watch, last_seq: lastSeq, playhead }),
  liveHello: ({ root, charts, board = false, lastSeq = null }) => ({ type: "hello", root, charts, board, last_seq: lastSeq }),
  show: (root) => ({ type: "show", root, ref: "show" }),
  ack: (seq) => ({ type: "ack", seq }),
  resync: () => ({ type: "resync" }),
  play: () => ({ type: "play", ref: "play" }),
  pause: () => ({ type: "pause", ref: "pause" }),
  speed: (value) => ({ type: "speed", value, ref: "speed" }),
  step: (unit, count, chart) => ({ type: "step", unit, count, chart, ref: "step" }),
  seek: (et) => ({ type: "seek", et, ref: "seek" }),
  chartOpen: (chart, timeframe) => ({ type: "chart.open", chart, timeframe, ref: "chart.open" }),
  chartTimeframe: (chart, timeframe) => ({ type: "chart.timeframe", chart, timeframe, ref: "chart.timeframe" }),
  chartClose: (chart) => ({ type: "chart.close", chart, ref: "chart.close" }),
  board: (on) => ({ type: "board", on, ref: "board" }),
  boardFetch: () => ({ type: "board.fetch", ref: "board.fetch" }),
  watch: (wanted) => ({ type: "watch", ...wanted, ref: "watch" }),
  eventsGet: (grade) => ({ type: "events.get", grade, ref: "events.get" }),
  eventsKeep: (grade) => ({ type: "events.keep", grade, ref: "events.keep" }),
  jobApprove: (job, cost) => ({ type: "job.approve", job, cost, ref: "job.approve" }),
  jobCancel: (job) => ({ type: "job.cancel", job, ref: "job.cancel" }),
};
