import assert from "node:assert/strict";
import { test } from "node:test";

import * as time from "../../static/js/ui/time.js";

const utc = (text) => Date.parse(text) / 1000;

test("winter is five hours behind UTC and summer four", () => {
  assert.equal(time.etOffset(utc("2026-01-15T12:00:00Z")), -5 * 3600);
  assert.equal(time.etOffset(utc("2026-07-15T12:00:00Z")), -4 * 3600);
});

test("the clock jumps from 01:59:59 to 03:00:00 in March", () => {
  assert.equal(time.etClock(utc("2026-03-08T06:59:59Z")), "01:59:59");
  assert.equal(time.etClock(utc("2026-03-08T07:00:00Z")), "03:00:00");
});

test("the hour from one to two comes twice in November", () => {
  assert.equal(time.etClock(utc("2026-11-01T05:59:59Z")), "01:59:59");
  assert.equal(time.etClock(utc("2026-11-01T06:00:00Z")), "01:00:00");
  assert.equal(time.etClock(utc("2026-11-01T06:59:59Z")), "01:59:59");
  assert.equal(time.etClock(utc("2026-11-01T07:00:00Z")), "02:00:00");
});

test("the offset is the same whichever instant of an hour was asked first", () => {
  for (const text of ["2025-03-09T07:59:59Z", "2025-03-09T07:00:00Z", "2025-03-09T06:59:59Z", "2025-03-09T06:00:00Z"]) {
    const expected = text >= "2025-03-09T07" ? -4 * 3600 : -5 * 3600;
    assert.equal(time.etOffset(utc(text)), expected, text);
  }
});

test("the Sunday open after the change to summer time is 22:00 UTC", () => {
  assert.equal(time.etText(utc("2026-03-08T22:00:00Z")), "2026-03-08 18:00:00");
  assert.equal(time.etText(utc("2026-03-01T23:00:00Z")), "2026-03-01 18:00:00");
});

test("an instant after midnight UTC is still the evening before in ET", () => {
  assert.equal(time.etDay(utc("2026-03-19T01:00:00Z")), "Wed 18 Mar 2026");
  assert.equal(time.etShortDay(utc("2026-01-01T03:00:00Z")), "31 Dec");
  assert.equal(time.etYear(utc("2026-01-01T03:00:00Z")), "2025");
});

test("nanoseconds are read exactly, where a number would round them up a second", () => {
  assert.equal(time.secondsFromNs("1773841876999999999"), 1773841876);
  assert.equal(time.secondsFromNs("1773841877000000000"), 1773841877);
  assert.equal(time.secondsFromNs(1773841877000000001n), 1773841877);
  assert.equal(time.secondsFromNs("-1"), -1);
});

test("a time alone means that time on the playhead's day in ET", () => {
  const evening = utc("2026-03-19T01:00:00Z");
  assert.equal(time.readEtInput("9:30", evening), "2026-03-18 09:30");
  assert.equal(time.readEtInput(" 09:30:15 ", evening), "2026-03-18 09:30:15");
  assert.equal(time.readEtInput("2026-03-17T15:59", evening), "2026-03-17 15:59");
});

test("what is typed into Go to may leave out zeros, the colon, the date or the time", () => {
  const forms = {
    "930": "2026-03-18 09:30",
    "0930": "2026-03-18 09:30",
    "2026-3-8 9:30": "2026-03-08 09:30",
    "2026-3-18 1530": "2026-03-18 15:30",
    "2026-3-18": "2026-03-18 09:30",
  };
  for (const [typed, read] of Object.entries(forms)) assert.equal(time.readEtInput(typed, utc("2026-03-18T14:00:00Z")), read, typed);
});

test("the log's times are those of this computer", () => {
  const noon = new Date(2026, 2, 18, 12, 5, 9).getTime() / 1000;
  assert.equal(time.localClock(noon), "12:05:09");
  assert.equal(time.localDay(noon), "Wed 18 Mar 2026");
});

test("a moment that does not exist or cannot be read is refused", () => {
  for (const text of ["", "noon", "24:00", "9:60", "2026-02-30 09:30", "2026-13-01 09:30", "18.3.2026 09:30", "18.3.2026", "30", "2026-3-1809:30"]) {
    assert.equal(time.readEtInput(text, 0), null, text);
  }
});

test("a trade date is written with its weekday", () => {
  assert.equal(time.dayOfDate("2026-03-18"), "Wed 18 Mar 2026");
});

test("a remaining time is told roughly", () => {
  assert.equal(time.roughly(0.2), "about 1 s");
  assert.equal(time.roughly(41), "about 41 s");
  assert.equal(time.roughly(190), "about 3 min");
  assert.equal(time.roughly(4800), "about 1 h 20 min");
});
