import { CLOSE, ProtocolError, checkMessage, readEnvelope, say } from "./protocol.js";

const ACK_EVERY_MS = 1000;
const ACK_AFTER = 20;
const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 5000;
/** A connection that has not brought its first snapshot by then is given up and tried again. */
const PATIENCE_MS = 10_000;
/** The server sends something at least every 5 s; a line that is silent for so long is dead. */
const SILENCE_MS = 15_000;

const FINAL = {
  [CLOSE.LOGGED_OUT]: "you are logged out",
  [CLOSE.NOT_FOUND]: "there is no such replay of yours, or it was deleted",
};
const REASONS = {
  [CLOSE.TOO_SLOW]: "the browser fell behind",
  [CLOSE.MOVED]: "the server moved the replay",
};

const realTimers = {
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle),
  setInterval: (callback, ms) => globalThis.setInterval(callback, ms),
  clearInterval: (handle) => globalThis.clearInterval(handle),
};

// browsers run the timers of a hidden tab once a minute, the server waits for half of one
const pageIsHidden = () => globalThis.document?.hidden ?? false;

/** Milliseconds before try number `attempt` (0, 1, …): 0.25 s doubling to 5 s, each shortened by up to half. */
export function backOff(attempt, random = Math.random) {
  const full = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return Math.max(FIRST_DELAY_MS, Math.round(full * (0.5 + random() / 2)));
}

/**
 * The one connection of a page to its market: hello, sequence check, acknowledgement, resync after a gap,
 * and connecting again.
 *
 * `hello()` tells what the page has open, `greet({…, lastSeq})` makes the first message of it. `onMessage(message)` gets checked messages in
 * order, from a snapshot on. `onState({state, reason, code})` gets `connecting`, `live`, `reconnecting`
 * or `stopped`.
 */
export class PageSocket {
  #socket = null;
  #lastSeq = null;
  #expected = null;
  #synced = false;
  #unacknowledged = 0;
  #attempt = 0;
  #timers;
  #retry = null;
  #patience = null;
  #ticker = null;
  #done = false;

  constructor({ url, hello, greet = say.hello, onMessage, onState, WebSocketClass, timers = realTimers, random, isHidden = pageIsHidden }) {
    Object.assign(this, { url, hello, greet, onMessage, onState, random, isHidden });
    this.WebSocketClass = WebSocketClass ?? globalThis.WebSocket;
    this.#timers = timers;
  }

  /** Connects, and keeps connected until `close()` or a final close code. */
  open() {
    this.#done = false;
    this.#say("connecting");
    this.#connect();
  }

  /** Ends the connection for good. */
  close() {
    this.#done = true;
    this.#forget();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  /** Sends a message if the connection is live; tells whether it was sent. */
  send(message) {
    if (!this.#synced) return false;
    this.#write(message);
    return true;
  }

  /** Tries now instead of after the back-off: the page came back to the front, or the network did. */
  retryNow() {
    if (this.#retry === null) return;
    this.#timers.clearTimeout(this.#retry);
    this.#retry = null;
    this.#connect();
  }

  #connect() {
    const socket = new this.WebSocketClass(this.url);
    this.#socket = socket;
    this.#expected = null;
    this.#synced = false;
    this.#unacknowledged = 0;
    this.#expectWithin(PATIENCE_MS);
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (event) => socket === this.#socket && this.#received(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  #opened(socket) {
    if (socket !== this.#socket) return;
    this.#write(this.greet({ ...this.hello(), lastSeq: this.#lastSeq }));
    this.#ticker = this.#timers.setInterval(() => this.#acknowledge(), ACK_EVERY_MS);
  }

  #received(text) {
    let message;
    try {
      message = readEnvelope(text);
      if (this.#passes(message)) this.onMessage(checkMessage(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#misread(error, message);
    }
  }

  /** Counts the message, and tells whether it may be shown: after a gap only a snapshot may. */
  #passes(message) {
    const gap = this.#expected !== null && message.seq !== this.#expected;
    this.#lastSeq = message.seq;
    this.#expected = message.seq + 1;
    this.#unacknowledged += 1;
    if (this.#unacknowledged >= ACK_AFTER || this.isHidden()) this.#acknowledge();
    if (message.type === "snapshot") this.#inStep();
    else if (gap && this.#synced) this.#askAgain("catching up after a gap");
    if (this.#synced) this.#expectWithin(SILENCE_MS);
    return this.#synced || message.type === "error";
  }

  #inStep() {
    this.#attempt = 0;
    if (this.#synced) return;
    this.#synced = true;
    this.#say("live");
  }

  #askAgain(reason) {
    this.#synced = false;
    this.#say("connecting", { reason });
    this.#write(say.resync());
    this.#expectWithin(PATIENCE_MS);
  }

  #misread(error, message) {
    console.error("protocol:", error.message, message);
    if (message?.type !== "snapshot" && this.#synced) return this.#askAgain(`could not read a message: ${error.message}`);
    if (message?.type !== "snapshot") return undefined;
    this.close();
    return this.#say("stopped", { reason: `this page cannot read the server's messages (${error.message}); reload it` });
  }

  #acknowledge() {
    if (this.#expected === null) return;
    this.#unacknowledged = 0;
    this.#write(say.ack(this.#lastSeq));
  }

  #closed(code) {
    this.#forget();
    this.#socket = null;
    this.#synced = false;
    if (this.#done) return;
    if (FINAL[code]) {
      this.#done = true;
      this.#say("stopped", { reason: FINAL[code], code });
      return;
    }
    const delay = backOff(this.#attempt, this.random);
    this.#attempt += 1;
    this.#retry = this.#timers.setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, delay);
    this.#say("reconnecting", { reason: REASONS[code] ?? "the connection was lost", code });
  }

  /** Gives the connection up unless something comes (or this is called again) in time. */
  #expectWithin(ms) {
    const socket = this.#socket;
    this.#timers.clearTimeout(this.#patience);
    this.#patience = this.#timers.setTimeout(() => this.#giveUp(socket), ms);
  }

  #giveUp(socket) {
    if (socket !== this.#socket) return;
    // a close handshake with a dead peer takes minutes: go on without waiting for it
    socket.onclose = null;
    socket.close();
    this.#closed(1006);
  }

  #forget() {
    this.#timers.clearTimeout(this.#patience);
    this.#timers.clearTimeout(this.#retry);
    this.#timers.clearInterval(this.#ticker);
    this.#patience = this.#retry = this.#ticker = null;
  }

  #write(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #say(state, { reason = null, code = null } = {}) {
    this.onState({ state, reason, code });
  }
}
