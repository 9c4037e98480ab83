import { lastOf } from "../working/place.js";
import { toTicks } from "./volumes.js";

/**
 * What a ladder shows prices of: {contract, shift, tick, last, most, at(price)}, as `Volumes`; null while there is no
 * price. Where a session has no prints, the last price is that of a chart's bars, and nothing is known of volumes.
 */
export function marketOf({ volumes, clock, session, chart }) {
  if (volumes) return volumes;
  const last = clock?.contract && session ? lastOf(chart, clock, session.tick) : null;
  if (last === null) return null;
  return { contract: clock.contract, shift: clock.shift ?? 0, tick: session.tick, last, most: 0, at: () => 0 };
}

/** A wire book by price in ticks: {bids, asks, most}; empty for none. */
export function sizesOf(book, tick) {
  const side = ({ p, s }) => new Map(p.map((price, i) => [toTicks(price, book.unit, tick), s[i]]));
  if (!book) return { bids: new Map(), asks: new Map(), most: 0 };
  return { bids: side(book.bids), asks: side(book.asks), most: Math.max(0, ...book.bids.s, ...book.asks.s) };
}

/** The price that belongs in the middle: the last one, else the best bid or ask; null where there is none. */
export function middleOf(market, book) {
  const best = book?.bids.p[0] ?? book?.asks.p[0] ?? null;
  return market.last ?? (best === null ? null : toTicks(best, book.unit, market.tick));
}
