/**
 * Market time for people is ET. All conversion between UTC and ET on the pages happens in this module.
 *
 * Instants enter as UTC seconds (numbers, as bars carry them) or as UTC nanoseconds (decimal strings
 * or BigInts, as the protocol carries them: a JavaScript number cannot hold them).
 */

const ZONE = "America/New_York";
const HOUR = 3600;
const NANOS = 1_000_000_000n;
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A trade date begins at 18:00 ET on the evening before: six hours earlier than its own midnight. */
export const TRADE_DATE_SHIFT = 6 * HOUR;

const wallParts = new Intl.DateTimeFormat("en-US", {
  timeZone: ZONE,
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
});

/** Offsets by UTC hour: daylight saving time begins and ends on a whole UTC hour, so this is exact. */
const offsets = new Map();

function offsetOfHour(hour) {
  const at = new Date(hour * HOUR * 1000);
  const part = Object.fromEntries(wallParts.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const wall = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return (wall - at.getTime()) / 1000;
}

/** Seconds that ET is ahead of UTC at an instant: −18000 in winter, −14400 in summer. */
export function etOffset(utcSeconds) {
  const hour = Math.floor(utcSeconds / HOUR);
  let offset = offsets.get(hour);
  if (offset === undefined) {
    offset = offsetOfHour(hour);
    offsets.set(hour, offset);
  }
  return offset;
}

/** The ET wall clock as seconds since 1970 on that clock: for comparing hours and days, never to store. */
export function etWallSeconds(utcSeconds) {
  return utcSeconds + etOffset(utcSeconds);
}

/** The ET wall clock at an instant, as a Date whose UTC getters tell ET. */
export function etDate(utcSeconds) {
  return new Date(etWallSeconds(utcSeconds) * 1000);
}

/** Whole UTC seconds of a nanosecond instant (string or BigInt), rounded down. */
export function secondsFromNs(ns) {
  const value = BigInt(ns);
  const seconds = value / NANOS;
  return Number(value < 0n && value % NANOS !== 0n ? seconds - 1n : seconds);
}

/** Whole UTC milliseconds of a nanosecond instant (string or BigInt), rounded down. */
export function msFromNs(ns) {
  return Number(BigInt(ns) / 1_000_000n);
}

const two = (number) => String(number).padStart(2, "0");

/** "11:24:37" */
export function etClock(utcSeconds) {
  const date = etDate(utcSeconds);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** "09:30" */
export function etMinute(utcSeconds) {
  return etClock(utcSeconds).slice(0, 5);
}

/** "Wed 18 Mar 2026" */
export function etDay(utcSeconds) {
  return longDay(etDate(utcSeconds));
}

/** "18 Mar" */
export function etShortDay(utcSeconds) {
  const date = etDate(utcSeconds);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** "Sat 7" */
export function etWeekday(utcSeconds) {
  const date = etDate(utcSeconds);
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()}`;
}

/** "EDT" or "EST" in the two hours that the clock shows twice when it goes back, else "". */
export function etRepeatedZone(utcSeconds) {
  const wall = etWallSeconds(utcSeconds);
  if (wall === etWallSeconds(utcSeconds + HOUR)) return "EDT";
  return wall === etWallSeconds(utcSeconds - HOUR) ? "EST" : "";
}

/** "2026" */
export function etYear(utcSeconds) {
  return String(etDate(utcSeconds).getUTCFullYear());
}

/** "2026-03-18 09:30:00": the text that `seek` and the fields of the bar take. */
export function etText(utcSeconds) {
  return etDate(utcSeconds).toISOString().slice(0, 19).replace("T", " ");
}

/** "Wed 18 Mar 2026" of a plain date "2026-03-18"; other text comes back as it is. */
export function dayOfDate(isoDate) {
  const date = new Date(`${isoDate}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? String(isoDate) : longDay(date);
}

function longDay(date) {
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** "11:24:37" on this computer's clock: for what happens outside the market, as in the log. */
export function localClock(utcSeconds) {
  return localDate(utcSeconds).toISOString().slice(11, 19);
}

/** "Wed 18 Mar 2026" on this computer's clock. */
export function localDay(utcSeconds) {
  return longDay(localDate(utcSeconds));
}

function localDate(utcSeconds) {
  const at = new Date(utcSeconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
}

/** What `readEtInput` understands, for people. */
export const ET_INPUT_FORMS = "9:30, 0930 or 15:30:20 (that day), 2026-03-18 9:30, or 2026-03-18 alone for 09:30";

const ET_INPUT = /^(?:(\d{4})-(\d{1,2})-(\d{1,2}))?(?:(?:^|[ T]+)(\d{1,2}):?(\d{2})(?::(\d{2}))?)?$/;
const REGULAR_OPEN = ["09", "30"];

/**
 * What someone typed into "Go to", as "YYYY-MM-DD HH:MM[:SS]", or null when it cannot be read.
 * A time alone means that time on the day of `nowSeconds` (ET), a date alone 09:30 of that date.
 */
export function readEtInput(text, nowSeconds) {
  const match = ET_INPUT.exec(text.trim());
  if (!match?.[0]) return null;
  const [, year, month, date, ...typed] = match;
  const day = year ? [year, two(month), two(date)].join("-") : etText(nowSeconds).slice(0, 10);
  const [hour, minute, second] = typed[0] === undefined ? REGULAR_OPEN : typed;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59 || !exists(day)) return null;
  return `${day} ${two(hour)}:${minute}${second ? `:${second}` : ""}`;
}

/** Whether a text is a day as 2026-03-18. */
export function isDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && exists(text);
}

function exists(isoDay) {
  const parsed = new Date(`${isoDay}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().slice(0, 10) === isoDay;
}

/** "about 12 s", "about 3 min", "about 1 h 20 min" */
export function roughly(seconds) {
  if (seconds < 60) return `about ${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "1:05", "2:00:07": how long something takes. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
