import { backOff } from "./socket.js";

const LOGGED_OUT = 4401;
/** The server sends something at least every 10 s. */
const SILENCE_MS = 25_000;

/**
 * The connection of the jobs page: hears of each change of a job, and connects again whenever it was lost.
 *
 * onReady() runs on each connection: what changed before it is not told again. onJob(job) gets each change.
 * onState(state) gets `connecting`, `live`, `reconnecting` or `stopped` (logged out).
 */
export class JobsSocket {
  #socket = null;
  #attempt = 0;
  #retry = null;
  #patience = null;

  constructor({ url, onReady, onJob, onState, WebSocketClass = globalThis.WebSocket, random = Math.random }) {
    Object.assign(this, { url, onReady, onJob, onState, WebSocketClass, random });
  }

  open() {
    this.onState("connecting");
    this.#connect();
  }

  close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  /** Tries now instead of after the back-off. */
  retryNow() {
    if (this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #connect() {
    this.#retry = null;
    const socket = new this.WebSocketClass(this.url);
    this.#socket = socket;
    this.#expectWithin(SILENCE_MS);
    socket.onmessage = (event) => this.#received(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(event.code);
  }

  #received(message) {
    this.#expectWithin(SILENCE_MS);
    if (message.type === "ready") {
      this.#attempt = 0;
      this.onState("live");
      this.onReady();
    } else if (message.type === "job") this.onJob(message.job);
  }

  #closed(code) {
    clearTimeout(this.#patience);
    if (code === LOGGED_OUT) return this.onState("stopped");
    this.#retry = setTimeout(() => this.#connect(), backOff(this.#attempt, this.random));
    this.#attempt += 1;
    return this.onState("reconnecting");
  }

  /** A line that is silent for longer is dead: a close handshake with it would take minutes. */
  #expectWithin(ms) {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#socket.onclose = null;
      this.#socket.close();
      this.#closed(1006);
    }, ms);
  }
}
