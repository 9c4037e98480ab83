import { etClock, etDay, etMinute, etWeekday, roughly, secondsFromNs } from "../ui/time.js";

/** How live's feed stands, in words. "No trades" and "no feed" are two things, and said apart. */

const STATES = {
  live: { text: "live", state: "live" },
  replaying: { text: "catching up", state: "connecting" },
  connecting: { text: "feed connecting …", state: "connecting" },
  "no feed": { text: "no feed", state: "stopped" },
  off: { text: "no feed", state: "stopped" },
};
/** Seconds without a print from which on it is said that nothing trades. */
const QUIET = 10;
/** The gateway says something at least every 5 s. A feed that has told nothing for so long may be dead already. */
const SILENT = 7;
/** What came so recently came just now. */
const FRESH = 2;

const CUT = { text: "not known", state: "idle", title: "How the feed stands is not known while this page is disconnected" };

/** The chip: {text, state, title}. Without a connection to the server nothing is known of the feed. */
export function feedChip(feed, isConnected = true) {
  if (!isConnected) return CUT;
  const { text, state } = STATES[feed.feed] ?? STATES.off;
  if (feed.feed === "live" && feed.is_open === false) return { text: "market closed", state: "idle", title: feed.words };
  return { text, state, title: feed.words };
}

/**
 * How old what is shown is. `market`: the newest moment that the feed has told (UTC seconds), `waited`: how long ago
 * that came, in seconds, `last`: the last print or null.
 */
export function ageText({ feed, last, market, waited, isConnected = true }) {
  if (!isConnected) return market ? `not known while disconnected: nothing after ${etClock(market)} ET, for ${roughly(waited)}` : "";
  if (!market) return feed.words;
  if (!isUp(feed)) return waited < FRESH ? `at ${etClock(market)} ET` : `no feed: nothing after ${etClock(market)} ET, for ${roughly(waited)}`;
  if (feed.feed === "replaying") return `catching up, at ${etClock(market)} ET`;
  if (waited > SILENT) return `no word from the feed for ${roughly(waited)}`;
  if (!last) return feed.is_open === false ? "" : "no trades yet";
  const at = secondsFromNs(last.t);
  if (feed.is_open === false) return `last trade ${etWeekday(at)} ${etClock(at)} ET`;
  const age = Math.max(0, market + waited - at);
  if (age < FRESH) return "last trade just now";
  if (age < QUIET) return `last trade ${Math.floor(age)} s ago`;
  return `no trades for ${roughly(age)}; the feed is up`;
}

/** "opens Sun 18:00 ET, in about 3 h 0 min"; empty while the market trades, and for an opening that has been. */
export function openingText({ feed, market }) {
  if (feed.is_open !== false || !feed.opens_ns || !market) return "";
  const at = secondsFromNs(feed.opens_ns);
  return at > market ? `opens ${etWeekday(at)} ${etMinute(at)} ET, in ${roughly(at - market)}` : "";
}

/** "NQM6 from the next opening on"; empty without a change of front month that is decided. */
export function comingText({ coming }) {
  return coming ? `front month ${coming} from the next opening on` : "";
}

/** "as of Fri 13 Mar 2026, 2 days ago": what a synthetic market shows on closed days. */
export function shiftText({ shift_days: days }, market) {
  if (!days || !market) return "";
  return `shows ${etDay(market)}: ${days === 1 ? "a day" : `${days} days`} back, while the real market is closed`;
}

/** What is said of the last price where it is not the market's: {isOld, title}. */
export function priceState({ feed, last, isConnected }) {
  const at = last ? ` Of ${etClock(secondsFromNs(last.t))} ET.` : "";
  if (!isConnected) return { isOld: true, title: `Not known while disconnected.${at}` };
  if (feed.feed !== "live") return { isOld: true, title: `${feed.feed === "replaying" ? "The feed catches up with the market." : feed.words}${at}` };
  return { isOld: false, title: `The last trade.${at}` };
}

/** Whether anything can come: the connection to the gateway stands. */
export function isUp({ feed }) {
  return feed === "live" || feed === "replaying";
}
