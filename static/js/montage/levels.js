/** Levels of a book that are shown, a side. */
export const LEVELS = 10;

/** One side of a wire book as rows, the best first: {price, size, orders, share}, share of the largest size, 0 to 1. */
export function sideOf({ p, s, n }, largest) {
  return p.map((price, i) => ({ price, size: s[i], orders: n[i], share: largest ? s[i] / largest : 0 }));
}

/** A wire book for the montage: both sides as rows, their totals, and the spread in the book's unit (null: one-sided). */
export function montageOf({ bids, asks }) {
  const largest = Math.max(0, ...bids.s, ...asks.s);
  const spread = bids.p.length && asks.p.length ? asks.p[0] - bids.p[0] : null;
  return { bids: sideOf(bids, largest), asks: sideOf(asks, largest), totals: { bids: totalOf(bids), asks: totalOf(asks) }, spread };
}

function totalOf({ s, n }) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return { size: sum(s), orders: sum(n) };
}
