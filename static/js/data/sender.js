/**
 * Sends files to the server in parts, one after the other, so that a dropped line costs one part only.
 * Knows nothing of the page: it tells what happens through `onChange`.
 */

const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const LOGGED_OUT = "You are not logged in any more. Reload the page and send the file again.";
const NO_ANSWER = "The server does not answer. Check the connection and send the file again.";

/** A file could not be sent; the text says why and what to do. */
export class SendError extends Error {}

export class Sender {
  /**
   * `request({url, headers, body, onSent})` makes one POST and resolves to {status, body: parsed JSON or null};
   * it rejects where there is no answer. `pause(ms)` waits.
   */
  constructor({ urls, partBytes, request, pause = wait }) {
    Object.assign(this, { urls, partBytes, request, pause });
  }

  /** Sends one file; the ticket under which it lies on the server. `onChange(bytes)` hears how much is there. */
  async send(file, onChange = () => {}) {
    const form = new URLSearchParams({ name: file.name, size: String(file.size) });
    const { ticket } = await this.#ask({ url: this.urls.begin, body: form });
    let received = 0;
    while (received < file.size) {
      const answer = await this.#sendPart(file, ticket, received, onChange);
      received = answer.received;
      onChange(received);
    }
    return ticket;
  }

  async #sendPart(file, ticket, offset, onChange) {
    return this.#ask({
      url: this.urls.part,
      headers: { "X-Upload": ticket, "X-Offset": String(offset), "Content-Type": "application/octet-stream" },
      body: file.slice(offset, offset + this.partBytes),
      onSent: (bytes) => onChange(offset + bytes),
    });
  }

  /** An answer with a body; asks again after a pause where there was none. 409 tells where to go on. */
  async #ask(asked) {
    for (const pause of [...PAUSES_MS, null]) {
      const answer = await this.request(asked).catch(() => null);
      if (answer !== null && answer.status < 500) return this.#understood(answer);
      if (answer?.body?.error) throw new SendError(answer.body.error);
      if (pause !== null) await this.pause(pause);
    }
    throw new SendError(NO_ANSWER);
  }

  #understood({ status, body }) {
    if (body?.error) throw new SendError(body.error);
    if (body === null || (status !== 200 && status !== 409)) throw new SendError(LOGGED_OUT);
    return body;
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One POST through XMLHttpRequest, which tells how much has been sent. */
export function post({ url, headers = {}, body, onSent = () => {}, csrf }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", csrf);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.addEventListener("load", () => resolve({ status: request.status, body: parsed(request.responseText), text: request.responseText }));
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => reject(new Error(name)));
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
