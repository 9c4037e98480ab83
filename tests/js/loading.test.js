import assert from "node:assert/strict";
import { test } from "node:test";

import { Feed } from "../../static/js/net/feed.js";
import { replayText } from "../../static/js/replay/status.js";
import { countText, loadingOf } from "../../static/js/workspace/loading.js";
import { Store } from "../../static/js/workspace/store.js";
import { clock, frame, session, snapshot } from "./fakes.js";

const job = (changes = {}) => ({
  id: 1,
  kind: "prepare",
  state: "running",
  done: 43,
  total: 100,
  message: "fetching",
  eta_seconds: 12,
  ...changes,
});

test("nothing is told while nothing is loaded", () => {
  assert.equal(loadingOf({}), null);
  assert.equal(loadingOf({ session: session(), clock: clock(), job: null }), null);
  assert.equal(loadingOf({ session: session(), clock: clock({ loading: undefined }), job: null }), null);
  assert.equal(loadingOf({ session: session({ state: "failed" }), clock: null, job: job() }), null);
});

test("a jump that loads is told with where it goes and how far it is", () => {
  const jump = { session: session(), clock: clock({ loading: true }), sought: "2023-03-13 09:30" };
  const told = loadingOf({ ...jump, job: job() });
  assert.equal(told.text, "loading NQ 2023-03-13: fetching … 43 % · about 12 s left");
  assert.equal(told.short, "loading NQ 2023-03-13: 43 % · about 12 s left");
  assert.equal(told.share, 0.43);
  assert.equal(loadingOf({ ...jump, job: null }).text, "loading NQ 2023-03-13");
  assert.equal(loadingOf({ ...jump, sought: undefined, job: null }).text, "loading NQ");
});

test("the asset is not named twice", () => {
  const told = loadingOf({ session: session(), clock: clock(), job: job({ message: "NQ: roll schedule ready", eta_seconds: null }) });
  assert.equal(told.text, "loading more of NQ: roll schedule ready … 43 %");
});

test("a first load names the day of the playhead, or of the entry while there is none", () => {
  const first = { session: session({ state: "loading" }), job: job({ message: "", eta_seconds: null }) };
  assert.equal(loadingOf({ ...first, clock: undefined }).text, "loading NQ 2026-03-18: 43 %");
  assert.equal(loadingOf({ ...first, clock: clock({ playhead: "1773754200000000000" }) }).text, "loading NQ 2026-03-17: 43 %");
});

test("a job of unknown size stands at nothing", () => {
  assert.equal(loadingOf({ session: session(), clock: clock(), job: job({ done: 0, total: 0 }) }).share, 0);
});

test("a download that waits for a yes is told with its cost", () => {
  const asking = job({ state: "asking", cost: "$2.43" });
  assert.equal(loadingOf({ session: session(), clock: clock(), job: asking }).short, "loading more of NQ costs about $2.43");
  const first = loadingOf({ session: session({ state: "loading" }), job: asking });
  assert.deepEqual([first.text, first.share], ["loading NQ 2026-03-18 costs about $2.43", 0]);
});

test("where a jump went is forgotten once it is there", () => {
  const store = new Store();
  const feed = new Feed(store);
  feed.apply(snapshot(1));
  store.set("sought", "2023-03-13 09:30");
  feed.apply(frame(2));
  assert.equal(store.get("sought"), "2023-03-13 09:30");
  feed.apply(frame(3, [], { loading: true }));
  feed.apply(frame(4));
  assert.equal(store.get("sought"), undefined);
});

const told = (changes) => replayText({ state: "live", session: session(), clock: clock(), job: null, ...changes });

test("the status line tells what the replay does", () => {
  assert.equal(told({ session: undefined }), "");
  assert.equal(told({ session: session({ state: "loading" }), clock: undefined }), "loading NQ 2026-03-18");
  assert.equal(told({ session: session({ state: "failed" }) }), "loading failed");
  assert.equal(told({}), "paused");
  assert.equal(told({ clock: clock({ playing: true, speed: 20 }) }), "playing at 20×");
  assert.equal(told({ clock: clock({ playing: true, speed: "max" }) }), "playing as fast as it can");
  assert.equal(told({ clock: clock({ at_end: true }) }), "at the end of the data");
});

test("the status line tells of a jump instead of a market that stands still, and of more data beside it", () => {
  const playing = clock({ playing: true, speed: 20 });
  assert.equal(told({ clock: { ...playing, loading: true }, sought: "2023-03-13 09:30" }), "loading NQ 2023-03-13");
  assert.equal(told({ clock: playing, job: job() }), "playing at 20× · loading more of NQ: fetching … 43 % · about 12 s left");
});

test("without a connection the status line does not claim that the market moves", () => {
  const playing = clock({ playing: true });
  for (const state of ["connecting", "reconnecting"]) assert.equal(told({ state, clock: playing }), "waiting for the server");
  assert.equal(told({ state: "stopped", clock: playing }), "");
});

test("how many are done, and how fast", () => {
  assert.equal(countText({ done: 12, total: 29, rate: 3.14 }), "12 of 29 · 3.1 a second");
  assert.equal(countText({ done: 120, total: 290, rate: 80.6 }), "120 of 290 · 81 a second");
  assert.equal(countText({ done: 0, total: 29, rate: null }), "0 of 29");
  assert.equal(countText({ done: 0, total: 0, rate: null }), "");
});
