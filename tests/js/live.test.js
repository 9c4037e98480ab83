import assert from "node:assert/strict";
import { test } from "node:test";

import { Answers } from "../../static/js/live/lost.js";
import { ageText, comingText, feedChip, openingText, priceState, shiftText } from "../../static/js/live/words.js";
import { LiveSession } from "../../static/js/workspace/live_session.js";
import { Store } from "../../static/js/workspace/store.js";

/** 2026-03-18 13:30:00 UTC, 09:30 in New York. */
const AT = 1773840600;
const ns = (seconds) => `${seconds}000000000`;
const up = { feed: "live", words: "The feed is up.", is_open: true, opens_ns: ns(AT), coming: null, shift_days: 0 };
const printAt = (seconds) => ({ t: ns(seconds), price: "1", size: 1, side: "B" });

test("a market in which nothing trades is not a feed that is gone", () => {
  const quiet = ageText({ feed: up, last: printAt(AT - 120), market: AT, waited: 0 });
  const gone = ageText({ feed: { ...up, feed: "no feed" }, last: printAt(AT - 120), market: AT, waited: 120 });
  assert.equal(quiet, "no trades for about 2 min; the feed is up");
  assert.equal(gone, "no feed: nothing after 09:30:00 ET, for about 2 min");
});

test("the age of the last trade goes on between two messages", () => {
  const age = (waited) => ageText({ feed: up, last: printAt(AT - 3), market: AT, waited });
  assert.equal(age(0), "last trade 3 s ago");
  assert.equal(age(2.5), "last trade 5 s ago");
  assert.equal(ageText({ feed: up, last: printAt(AT), market: AT, waited: 0.4 }), "last trade just now");
});

test("a feed that is said to be up and tells nothing, no heartbeat either, is not called quiet", () => {
  assert.equal(ageText({ feed: up, last: printAt(AT), market: AT, waited: 9 }), "no word from the feed for about 9 s");
});

test("a closed market tells its last trade and the next opening", () => {
  const closed = { ...up, is_open: false, opens_ns: ns(AT + 8.5 * 3600) };
  assert.equal(feedChip(closed).text, "market closed");
  assert.equal(ageText({ feed: closed, last: printAt(AT), market: AT + 60, waited: 1 }), "last trade Wed 18 09:30:00 ET");
  assert.equal(openingText({ feed: closed, market: AT }), "opens Wed 18 18:00 ET, in about 8 h 30 min");
  assert.equal(openingText({ feed: up, market: AT }), "");
});

test("without a connection nothing is said of the feed, neither that it is live nor that it is dead", () => {
  assert.deepEqual([feedChip(up, false).text, feedChip(up, false).state], ["not known", "idle"]);
  const text = ageText({ feed: up, last: printAt(AT), market: AT, waited: 40, isConnected: false });
  assert.equal(text, "not known while disconnected: nothing after 09:30:00 ET, for about 40 s");
});

test("a price is marked as old while the feed catches up, is away, or the page is", () => {
  const of = (feed, isConnected = true) => priceState({ feed: { ...up, feed }, last: printAt(AT), isConnected });
  assert.deepEqual([of("live"), of("replaying"), of("no feed"), of("live", false)].map(({ isOld }) => isOld), [false, true, true, true]);
  assert.equal(of("replaying").title, "The feed catches up with the market. Of 09:30:00 ET.");
});

test("an opening that has been is not announced, as while a feed that was restarted finds its place", () => {
  assert.equal(openingText({ feed: { ...up, is_open: false, opens_ns: ns(AT - 60) }, market: AT }), "");
});

test("a page whose server is gone says so, and how old its facts are", () => {
  const answers = new Answers(1000);
  assert.equal(answers.text(3000), "");
  assert.match(answers.text(21_000), /^The server does not answer\. What stands here is about 20 s old; how the feed stands now is not known\.$/);
  answers.heard(21_500);
  assert.equal(answers.text(23_000), "");
});

test("the chip tells each way in which the feed can stand", () => {
  const states = ["live", "replaying", "connecting", "no feed", "off", "something new"];
  const told = states.map((feed) => feedChip({ ...up, feed }));
  assert.deepEqual(told.map(({ state }) => state), ["live", "connecting", "connecting", "stopped", "stopped", "stopped"]);
  assert.equal(feedChip({ ...up, feed: "no feed", is_open: false }).text, "no feed");
});

test("a change of front month is announced, and the days that a synthetic market lies back", () => {
  assert.equal(comingText(up), "");
  assert.equal(comingText({ ...up, coming: "NQM6" }), "front month NQM6 from the next opening on");
  assert.equal(shiftText({ ...up, shift_days: 2 }, AT), "shows Wed 18 Mar 2026: 2 days back, while the real market is closed");
  assert.equal(shiftText(up, AT), "");
});

class FakeConnection {
  constructor(options) {
    Object.assign(this, { options, sent: [] });
    FakeConnection.last = this;
  }

  send(message) {
    this.sent.push(message);
    return true;
  }
}

test("another asset is asked for once, and again after each reconnect", () => {
  const session = new LiveSession({ store: new Store(), socketUrl: "ws://test/", root: "NQ", Socket: FakeConnection });
  const { options, sent } = FakeConnection.last;
  session.openChart("chart-1", "5m");
  session.show("CL");
  session.show("CL");
  assert.deepEqual(sent.filter(({ type }) => type === "show").map(({ root }) => root), ["CL"]);
  assert.deepEqual(options.greet({ ...options.hello(), lastSeq: 4 }), {
    type: "hello",
    root: "CL",
    charts: [{ chart: "chart-1", timeframe: "5m" }],
    board: false,
    last_seq: 4,
  });
});
