import { isStop, leftOf } from "../working/orders.js";

/** Levels of a book that are shown, a side. */
export const LEVELS = 10;

/**
 * One side of a wire book as rows, the best first: {price, size, orders, share, own}, share of the largest size, 0 to 1.
 * ownOf(price): one's own lots there.
 */
export function sideOf({ p, s, n }, largest, ownOf) {
  return p.map((price, i) => ({ price, size: s[i], orders: n[i], share: largest ? s[i] / largest : 0, own: ownOf(price) }));
}

/** One's own lots that rest in the book, as limits do: {buy, sell}, each price in ticks → lots. */
export function lotsAt(orders) {
  const found = { buy: new Map(), sell: new Map() };
  for (const order of orders) {
    if (isStop(order)) continue;
    found[order.side].set(order.limit, (found[order.side].get(order.limit) ?? 0) + leftOf(order));
  }
  return found;
}

const NO_LOTS = { buy: new Map(), sell: new Map() };

/**
 * A wire book for the montage: both sides as rows, their totals, and the spread in the book's unit (null: one-sided).
 * own: as `lotsAt` gives it, in `tick`s (1e-9 units).
 */
export function montageOf({ bids, asks, unit }, own = NO_LOTS, tick = unit) {
  const largest = Math.max(0, ...bids.s, ...asks.s);
  const ownOf = (side) => (price) => own[side].get((price * unit) / tick) ?? 0;
  const spread = bids.p.length && asks.p.length ? asks.p[0] - bids.p[0] : null;
  return { bids: sideOf(bids, largest, ownOf("buy")), asks: sideOf(asks, largest, ownOf("sell")), totals: { bids: totalOf(bids), asks: totalOf(asks) }, spread };
}

function totalOf({ s, n }) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return { size: sum(s), orders: sum(n) };
}
