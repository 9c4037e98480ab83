import { backOff } from "./socket.js";

const LOGGED_OUT = 4401;
/** The server sends something at least every 10 s. */
const SILENCE_MS = 25_000;
const OPEN = 1;

/**
 * A connection that mostly listens, and connects again whenever it was lost.
 *
 * onMessage(message) gets each message; the first one of a connection says that it stands.
 * onState(state) gets `connecting`, `live`, `reconnecting` or `stopped` (logged out).
 */
export class ListeningSocket {
  #socket = null;
  #attempt = 0;
  #retry = null;
  #patience = null;
  #state = null;

  constructor({ url, onMessage, onState, WebSocketClass = globalThis.WebSocket, random = Math.random }) {
    Object.assign(this, { url, onMessage, onState, WebSocketClass, random });
  }

  open() {
    this.#tell("connecting");
    this.#connect();
  }

  close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  /** Whether it was sent: only over a connection that stands. */
  send(message) {
    const stands = this.#state === "live" && this.#socket?.readyState === OPEN;
    if (stands) this.#socket.send(JSON.stringify(message));
    return stands;
  }

  /** Tries now instead of after the back-off. */
  retryNow() {
    if (this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #tell(state) {
    this.#state = state;
    this.onState(state);
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
    if (this.#state !== "live") {
      this.#attempt = 0;
      this.#tell("live");
    }
    this.onMessage(message);
  }

  #closed(code) {
    clearTimeout(this.#patience);
    if (code === LOGGED_OUT) return this.#tell("stopped");
    this.#retry = setTimeout(() => this.#connect(), backOff(this.#attempt, this.random));
    this.#attempt += 1;
    return this.#tell("reconnecting");
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
