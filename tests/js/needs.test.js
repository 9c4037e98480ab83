import assert from "node:assert/strict";
import { test } from "node:test";

import { loadingOf } from "../../static/js/workspace/loading.js";
import { needOf } from "../../static/js/workspace/needs.js";
import { clock, session } from "./fakes.js";

const known = (changes = {}) => ({ exists: true, session: session(), clock: clock(), job: null, data: null, ...changes });
const job = (changes = {}) => ({ id: 3, kind: "order book", state: "running", done: 1, total: 4, message: "NQM6 mbp-10", cost: null, ...changes });
const BOOK = { needs: "book" };
const LADDER = { needs: "trades", offers: "book" };

test("a session of bars offers what the panel takes", () => {
  assert.deepEqual(needOf(known(), BOOK), { text: "This session has bars only.", get: "book", job: null });
  assert.equal(needOf(known(), { needs: "trades" }).get, "trades");
  assert.equal(needOf(known(), LADDER).get, "book");
});

test("trades are enough for the prints and not for the book", () => {
  const trades = known({ clock: clock({ grade: "trades" }) });
  assert.match(needOf(trades, BOOK).text, /no order book/);
  assert.equal(needOf({ ...trades, data: {} }, LADDER), null);
});

test("what is here but not open yet needs a moment and no button", () => {
  assert.deepEqual(needOf(known({ clock: clock({ grade: "book" }) }), BOOK), { text: "Opening …", get: null, job: null });
});

test("what is being got is told with how far it is", () => {
  assert.equal(needOf(known({ job: job() }), BOOK).text, "Getting the order book … NQM6 mbp-10");
});

test("what it costs is asked in the panel too", () => {
  const asking = job({ state: "asking", cost: "$2.43" });
  assert.deepEqual(needOf(known({ job: asking }), BOOK), { text: "Downloading the order book costs about $2.43.", get: null, job: asking });
});

test("the load of more bars is no reason to wait", () => {
  assert.equal(needOf(known({ job: job({ kind: "replay data" }) }), BOOK).get, "book");
});

test("without a replay, while it loads and after it failed there is nothing to get", () => {
  const texts = [
    known({ exists: false }),
    known({ session: session({ state: "loading" }) }),
    known({ clock: clock({ grade: null }) }),
    known({ session: session({ state: "failed" }) }),
  ].map((each) => needOf(each, BOOK));
  assert.ok(texts.every(({ get, text }) => get === null && text));
});

test("the bar names what is being got", () => {
  assert.equal(loadingOf({ ...known(), job: job() }).short, "loading the order book: 25 %");
});
