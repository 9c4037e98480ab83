import assert from "node:assert/strict";
import { test } from "node:test";

import { Alerts } from "../../static/js/alerts/alerts.js";
import { Notices } from "../../static/js/alerts/notices.js";
import { overlap, placeOf } from "../../static/js/alerts/place.js";
import { ReplayedBanners } from "../../static/js/alerts/replayed.js";
import { Beeper, SOUNDS, inOnePage } from "../../static/js/alerts/sound.js";
import { conditionText, countText, firedValueText, marksOf, silentText, unreadText, valueText } from "../../static/js/alerts/words.js";

const firing = (id, changes = {}) => ({ id, alert: 1, root: "NQ", timeframe: "5m", metric: "vol_rank", operator: "gte", threshold: 95, value: 96.34, value_text: "96.3", note: "", sound: "beep", replay: null, ...changes });
const snapshot = (changes = {}) => ({ type: "alerts", chips: [{ id: 1, tone: "off" }], unread: 0, settings: { sound_on: true, volume: 60 }, missed: [], ...changes });

function page(replay = null) {
  const sent = [];
  const alerts = new Alerts({ replay, send: (message) => sent.push(message) });
  const heard = { firings: [], missed: [] };
  alerts.store.subscribe("firing", ({ id }) => heard.firings.push(id));
  alerts.store.subscribe("missed", ({ firings, isFirst }) => heard.missed.push([isFirst, ...firings.map(({ id }) => id)]));
  return { alerts, sent, heard };
}

test("an alert is named by its condition, and a value is never rounded to where it would fire", () => {
  assert.equal(conditionText({ metric: "vol_pending", operator: "gte", threshold: 95 }), "Vol Pending ≥ 95");
  assert.equal(conditionText({ metric: "range_rank", operator: "lte", threshold: 2.5 }), "Range Rank ≤ 2.5");
  assert.equal(valueText({ value: 94.9, tone: "near", operator: "gte" }), "@94%");
  assert.equal(valueText({ value: 5.1, tone: "near", operator: "lte" }), "@6%");
  assert.equal(valueText({ value: 100, tone: "on", operator: "gte" }), "@100%");
  assert.equal(valueText({ value: null, tone: "off", operator: "gte" }), "@–");
  assert.equal(valueText({ value: 99, tone: "thin", operator: "gte" }), "n < 20");
  assert.deepEqual([countText(3), countText(0)], ["×3", "×0"]);
  assert.equal(firedValueText({ value: 94.97, value_text: "95.0" }), "95.0 %");
  assert.deepEqual([unreadText(7), unreadText(140)], ["7", "99+"]);
});

test("chips are merged, and those that are gone go", () => {
  const { alerts, sent } = page();
  alerts.apply(snapshot({ chips: [{ id: 1, tone: "off" }, { id: 2, tone: "off" }] }));
  alerts.apply({ type: "chips", chips: [{ id: 2, tone: "on" }, { id: 3, tone: "near" }], gone: [1] });
  assert.deepEqual([1, 2, 3].map((id) => alerts.chip(id)?.tone), [undefined, "on", "near"]);
  assert.deepEqual(sent, [{ type: "ack" }]);
});

test("a firing that comes twice is shown once, and the count is the server's", () => {
  const { alerts, heard } = page();
  alerts.apply(snapshot());
  alerts.apply({ type: "firings", firings: [firing(8)], unread: 1 });
  alerts.apply({ type: "firings", firings: [firing(8)], unread: 1 });
  assert.deepEqual([heard.firings, alerts.store.get("unread")], [[8], 1]);
});

test("a replay that was put back shows the same firing again", () => {
  const { alerts, heard } = page("this");
  const told = (changes) => ({ type: "firings", firings: [firing(8, { replay: "this", ...changes })], unread: 0 });
  for (const message of [told(), told(), told({ again: true })]) alerts.apply(message);
  assert.deepEqual(heard.firings, [8, 8]);
});

test("a replayed firing is news to the pages of its replay only", () => {
  for (const [replay, shown] of [[null, []], ["other", []], ["this", [8]]]) {
    const { alerts, heard } = page(replay);
    alerts.apply(snapshot());
    alerts.apply({ type: "firings", firings: [firing(8, { replay: "this" })], unread: 0 });
    assert.deepEqual(heard.firings, shown);
  }
});

test("what fired before the visit is told apart from what a lost line kept back", () => {
  const { alerts, heard } = page();
  alerts.apply(snapshot({ missed: [firing(5)], unread: 1 }));
  alerts.apply({ type: "firings", firings: [firing(6)], unread: 2 });
  alerts.apply(snapshot({ missed: [firing(5), firing(6), firing(7)], unread: 3 }));
  alerts.apply(snapshot({ missed: [firing(5), firing(6), firing(7)], unread: 3 }));
  assert.deepEqual(heard.missed, [[true, 5], [false, 7]]);
});

test("a visit without anything missed is over once the page has been told: later ones are of a lost line", () => {
  const { alerts, heard } = page();
  alerts.apply(snapshot());
  alerts.apply(snapshot({ missed: [firing(9)], unread: 1 }));
  assert.deepEqual(heard.missed, [[false, 9]]);
});

test("what is missed is as many as the server counts, and a page in front says what it has shown", () => {
  const { alerts, sent } = page();
  alerts.apply(snapshot({ missed: [firing(5), firing(6)], missed_count: 38, unread: 60 }));
  const { count, isFirst } = alerts.store.get("missed");
  assert.deepEqual([count, isFirst], [38, true]);
  alerts.shown(6);
  assert.deepEqual(sent, [{ type: "shown", until: 6 }]);
});

test("the opened alerts of all panels are said again on each connection", () => {
  const { alerts, sent } = page();
  alerts.apply(snapshot());
  alerts.open("a", [1, 2]);
  alerts.open("b", [2]);
  alerts.open("a", []);
  alerts.apply(snapshot());
  assert.deepEqual(sent.map(({ alerts: ids }) => ids), [[1, 2], [1, 2], [2], [2]]);
});

const VIEW = { left: 0, top: 0, width: 1440, height: 900 };
const CHART = { left: 0, top: 120, width: 860, height: 560 };
const STACK = { width: 460, height: 260 };

test("banners stand over the chart, and beside a ticket wherever it is dragged", () => {
  const ticket = (left, top) => ({ left, top, width: 570, height: 336 });
  assert.deepEqual(placeOf(STACK, [CHART, VIEW], [ticket(864, 90)], VIEW), { left: 200, top: 128 });
  for (let left = 0; left <= 870; left += 30) {
    for (let top = 0; top <= 564; top += 47) {
      const place = placeOf(STACK, [CHART, VIEW], [ticket(left, top)], VIEW);
      assert.ok(place, `no place beside a ticket at ${left}, ${top}`);
      assert.ok(!overlap({ ...place, ...STACK }, ticket(left, top)));
      assert.ok(place.left >= 0 && place.top >= 0 && place.left + 460 <= 1440 && place.top + 260 <= 900);
    }
  }
});

test("a ticket that fills the window leaves no place: the top line is taken", () => {
  assert.equal(placeOf(STACK, [CHART, VIEW], [{ left: 0, top: 40, width: 1440, height: 860 }], VIEW), null);
});

test("boxes that only touch do not overlap", () => {
  const box = { left: 10, top: 10, width: 10, height: 10 };
  assert.equal(overlap(box, { ...box, left: 20 }), false);
  assert.equal(overlap(box, { ...box, left: 19 }), true);
  assert.equal(overlap(box, { ...box, top: 0 }), false);
});

/** As much of Web Audio as beeps need. */
class FakeAudio {
  currentTime = 2;
  tones = [];
  constructor(state) {
    this.state = state;
  }
  async resume() {
    this.state = "running";
  }
  createOscillator() {
    const tone = { frequency: {}, connect: (next) => next, start: (at) => (tone.from = at), stop: (at) => (tone.to = at) };
    this.tones.push(tone);
    return tone;
  }
  createGain() {
    const gain = { heights: [], connect: (next) => next };
    gain.gain = { setValueAtTime: () => {}, linearRampToValueAtTime: (height) => gain.heights.push(height) };
    this.gain = gain;
    return gain;
  }
}

test("a sound that the browser keeps back is said, and sounds after a click", async () => {
  const audio = new FakeAudio("suspended");
  const blocked = [];
  const beeper = new Beeper({ makeContext: () => audio, onBlocked: (each) => blocked.push(each) });
  assert.equal(beeper.play("beep", 60), false);
  await beeper.unlock();
  assert.equal(beeper.play("beep", 60), true);
  assert.deepEqual([blocked, audio.tones.length], [[true, false], SOUNDS.beep.notes.length]);
  assert.deepEqual(audio.tones.map(({ frequency, from }) => [frequency.value, from]), SOUNDS.beep.notes.map(([hz, begins]) => [hz, 2 + begins]));
});

test("silence is silent: no volume, no sound, an unknown sound", () => {
  const audio = new FakeAudio("running");
  const beeper = new Beeper({ makeContext: () => audio });
  assert.deepEqual([beeper.play("none", 60), beeper.play("beep", 0), beeper.play("whistle", 60)], [false, false, false]);
  assert.equal(audio.tones.length, 0);
});

test("of several pages one sounds", async () => {
  const held = new Set();
  const locks = {
    async request(name, { ifAvailable }, run) {
      if (held.has(name)) return ifAvailable ? run(null) : null;
      held.add(name);
      return run({});
    },
  };
  let sounded = 0;
  for (let pages = 0; pages < 3; pages += 1) inOnePage(7, () => (sounded += 1), locks);
  inOnePage(8, () => (sounded += 1), locks);
  await Promise.resolve();
  assert.equal(sounded, 2);
  inOnePage(7, () => (sounded += 1), null);
  assert.equal(sounded, 3);
});

test("a notification is shown where it is allowed and the page is not looked at, and never asked for", async () => {
  const shown = [];
  let asked = 0;
  class Notification {
    static permission = "default";
    static async requestPermission() {
      asked += 1;
      Notification.permission = "granted";
    }
    constructor(title, { tag }) {
      shown.push([title, tag]);
    }
    close() {}
  }
  let looking = false;
  const notices = new Notices({ Notification, isLookedAt: () => looking });
  notices.show(firing(1));
  assert.deepEqual([shown, asked], [[], 0]);
  assert.equal(await notices.ask(), "granted");
  notices.show(firing(2));
  looking = true;
  notices.show(firing(3));
  assert.deepEqual(shown, [["NQ 5m: Vol Rank ≥ 95", "futsim-alert-2"]]);
});

function replayedBanners() {
  const standing = new Map();
  let clock = 0;
  const banners = new ReplayedBanners({ show: ({ id, market_ms: ms }) => standing.set(id, ms), drop: ({ id }) => standing.delete(id), now: () => clock });
  return { banners, ids: () => [...standing.keys()], wait: (ms) => (clock += ms) };
}

const replayedAt = (id, ms, changes = {}) => firing(id, { replay: "this", market_ms: ms, ...changes });

test("where a replay is put back, the banners of what comes later leave at once, those below the line too", () => {
  const { banners, ids } = replayedBanners();
  banners.reached(9000);
  for (let id = 1; id <= 9; id += 1) banners.add(replayedAt(id, id * 1000, { alert: id }));
  banners.reached(4500);
  assert.deepEqual(ids(), [1, 2, 3, 4]);
  // what was on its way
  banners.add(replayedAt(9, 9000));
  banners.reached(4600);
  assert.deepEqual(ids(), [1, 2, 3, 4]);
});

test("a replayed firing that is told before the page has come there waits for it, but not for a later pass", () => {
  const { banners, ids, wait } = replayedBanners();
  banners.reached(1000);
  banners.add(replayedAt(1, 1200));
  banners.add(replayedAt(2, 5000));
  assert.deepEqual(ids(), []);
  banners.reached(1250);
  assert.deepEqual(ids(), [1]);
  wait(6000);
  banners.reached(6000);
  assert.deepEqual(ids(), [1]);
});

test("of one alert at one asset the newest three replayed banners stand, and twelve in all", () => {
  const { banners, ids } = replayedBanners();
  banners.reached(1e6);
  for (let id = 1; id <= 240; id += 1) banners.add(replayedAt(id, id));
  banners.add(replayedAt(300, 300, { root: "CL" }));
  assert.deepEqual(ids(), [238, 239, 240, 300]);
  for (let id = 400; id < 420; id += 1) banners.add(replayedAt(id, id, { alert: id }));
  assert.equal(ids().length, 12);
});

test("a firing tells which of two like alerts it was", () => {
  const texts = (changes) => marksOf(firing(1, changes)).map(([text]) => text);
  assert.deepEqual(texts({ lookback_days: 365, is_all: false, is_shared: false }), []);
  assert.deepEqual(texts({ lookback_days: 60, is_all: true, is_shared: true }), ["All", "shared", "60 days"]);
});

test("that nobody evaluates is said with its time, on connecting and when it comes", () => {
  const { alerts } = page();
  alerts.apply(snapshot({ silent_ms: 1_773_840_605_000 }));
  assert.equal(silentText(alerts.store.get("silent")), "Alerts on the live market are not being evaluated, since 09:30:05 ET · Wed 18 Mar 2026.");
  alerts.apply({ type: "evaluator", silent_ms: null });
  assert.equal(silentText(alerts.store.get("silent")), "");
  alerts.apply({ type: "evaluator", silent_ms: 0 });
  assert.equal(silentText(alerts.store.get("silent")), "Alerts on the live market are not being evaluated.");
});

test("on the page of a replay chips stand as at its playhead, and nothing later is shown where it is put back", () => {
  const { alerts } = page("this");
  const chips = [{ id: 1, value: 96, tone: "on", count: 7, closest: "NQ" }, { id: 2, value: null, tone: "paused", count: 0, closest: null }];
  alerts.apply(snapshot({ chips }));
  const stands = (id) => (({ value, tone, count }) => [value, tone, count])(alerts.chip(id));
  const told = (ms, value) => alerts.apply({ type: "replayed", replay: "this", market_ms: ms, chips: [{ id: 1, value, tone: "near", count: 2, closest: "NQ" }] });
  assert.deepEqual(stands(1), [null, "off", 0]);
  alerts.reached(5000);
  told(5000, 91);
  assert.deepEqual([stands(1), stands(2)], [[91, "near", 2], [null, "paused", 0]]);
  alerts.apply({ type: "replayed", replay: "other", market_ms: 1, chips: [] });
  assert.deepEqual(stands(1), [91, "near", 2]);
  alerts.reached(3000);
  assert.deepEqual(stands(1), [null, "off", 0]);
  told(5000, 91);
  assert.deepEqual(stands(1), [null, "off", 0]);
  told(3000, 90);
  assert.deepEqual(stands(1), [90, "near", 2]);
});
