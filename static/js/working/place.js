import { nanosFromWire } from "../ui/price.js";

/** What a click at a price means: {side, type, quantity, limit or stop}. */

/** The side of an order at a price: limits buy at or below the last price and sell above it, stops the other way. */
export function sideAt(price, last, type) {
  return price > last === (type === "limit") ? "sell" : "buy";
}

/** What `order.submit` takes for a limit or a stop at a price; its size is that of the ticket. */
export function orderAt(store, { side, type, price, origin }) {
  const contract = store.get("clock")?.contract;
  return { side, type, quantity: quantityOf(store), contract, [type]: price, origin };
}

/** The lots of the next order. */
export function quantityOf(store) {
  const quantity = Math.floor(store.get("ticket")?.quantity);
  return quantity >= 1 ? quantity : 1;
}

/** The last price of the contract at the playhead in whole ticks of its own prices, from a chart's bars; null without. */
export function lastOf(chart, clock, tick) {
  const close = chart?.bars.c.at(-1);
  if (close === undefined) return null;
  const own = nanosFromWire(close, chart.unit) - BigInt(clock.shift ?? 0);
  return Number(own / BigInt(tick));
}
