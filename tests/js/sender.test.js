import assert from "node:assert/strict";
import { test } from "node:test";

import { SendError, Sender } from "../../static/js/data/sender.js";

/** A server that keeps what it is sent. `faults`: answers to give before it does. */
class FakeServer {
  constructor(faults = []) {
    this.faults = faults;
    this.held = "";
    this.pauses = [];
  }

  request = async ({ url, headers, body }) => {
    const fault = this.faults.shift();
    if (fault === "no answer") throw new Error("error");
    if (fault) return fault;
    if (url === "/begin") return { status: 200, body: { ticket: `ticket of ${body.get("name")}, ${body.get("size")}` } };
    this.ticket = headers["X-Upload"];
    if (Number(headers["X-Offset"]) !== this.held.length) return { status: 409, body: { received: this.held.length } };
    this.held += body;
    return { status: 200, body: { received: this.held.length } };
  };

  sender() {
    const pause = async (ms) => this.pauses.push(ms);
    return new Sender({ urls: { begin: "/begin", part: "/part" }, partBytes: 4, request: this.request, pause });
  }
}

const file = (text) => ({ name: "a.dbn", size: text.length, slice: (from, to) => text.slice(from, to) });

test("a file goes in parts and comes whole", async () => {
  const server = new FakeServer();
  const heard = [];
  const ticket = await server.sender().send(file("0123456789"), (bytes) => heard.push(bytes));
  assert.equal(server.held, "0123456789");
  assert.equal(ticket, "ticket of a.dbn, 10");
  assert.equal(server.ticket, ticket);
  assert.deepEqual(heard, [4, 8, 10]);
});

test("a part without an answer is sent again after a pause", async () => {
  const server = new FakeServer([null, null, "no answer", { status: 502, body: null }]);
  await server.sender().send(file("0123456789"));
  assert.equal(server.held, "0123456789");
  assert.deepEqual(server.pauses, [500, 1000]);
});

test("a part that had come although its answer was lost is not sent twice", async () => {
  const server = new FakeServer();
  const sender = server.sender();
  server.held = "01234567";
  await sender.send(file("0123456789"));
  assert.equal(server.held, "0123456789");
});

test("a refusal is told in the server's words", async () => {
  const server = new FakeServer([{ status: 413, body: { error: "A file may have up to 5 GB here." } }]);
  await assert.rejects(server.sender().send(file("0")), { message: "A file may have up to 5 GB here." });
  const full = new FakeServer([null, { status: 507, body: { error: "The disk is full." } }]);
  await assert.rejects(full.sender().send(file("0")), { message: "The disk is full." });
  assert.deepEqual(full.pauses, []);
});

test("a server that stays silent is given up, with what to do", async () => {
  const server = new FakeServer(Array(10).fill("no answer"));
  await assert.rejects(server.sender().send(file("0")), (problem) => problem instanceof SendError && /does not answer/.test(problem.message));
});

test("the login page instead of an answer is told apart", async () => {
  const server = new FakeServer([{ status: 200, body: null }]);
  await assert.rejects(server.sender().send(file("0")), /not logged in/);
});
