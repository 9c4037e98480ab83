/** One's own orders as they stand at prices: on the chart, on the ladder, in the montage. Prices are whole ticks. */

const TYPES = { market: "MKT", limit: "LMT", stop: "STP", stop_limit: "STP LMT", trailing_stop: "TRAIL" };

/** Whether an order still waits for its trigger. */
export function isStop({ type, triggered }) {
  return type !== "limit" && type !== "market" && !triggered;
}

/** The price at which an order waits; null for one that takes what there is. */
export function priceOf(order) {
  return isStop(order) ? order.stop : order.limit;
}

export function leftOf({ quantity, filled }) {
  return quantity - filled;
}

/** What an order is for: "target" or "stop" for one that leaves a position, else "entry". */
export function roleOf(order) {
  if (!order.exit) return "entry";
  return isStop(order) ? "stop" : "target";
}

/** Whether a trader may move it: a trailing stop goes by itself, and what is being cancelled stays. */
export function canMove({ type, cancelled }) {
  return type !== "trailing_stop" && !cancelled;
}

/** What `replace` takes to have an order wait at another price: both prices of a stop limit go as far. */
export function movedTo(order, price) {
  if (!isStop(order)) return { limit: price };
  return order.type === "stop_limit" ? { limit: order.limit + price - order.stop, stop: price } : { stop: price };
}

/** The orders of a contract that wait at a price. orders: a Map by id; asked: what has been asked of them (`Asked`). */
export function waitingIn(orders, contract, asked) {
  const open = [...(orders?.values() ?? [])].filter((order) => !order.over && order.contract === contract);
  return open.map((order) => withAsked(order, asked?.get(order.id))).filter((order) => priceOf(order) !== null);
}

/** An order as the trader wants it: `waits` while that, or the order itself, is on the way to the market. */
export function withAsked(order, wish) {
  const waits = order.status === "pending" || wish !== undefined;
  return { ...order, ...wish?.changes, cancelled: wish?.cancels ?? false, waits };
}

/** "1 order and LONG 1 of NQU6": what there is in other contracts; empty where there is nothing. */
export function othersText({ orders, positions, contract }) {
  const isOther = (each) => each.contract !== contract;
  const counts = new Map();
  for (const order of [...(orders?.values() ?? [])].filter(isOther)) {
    if (!order.over) counts.set(order.contract, (counts.get(order.contract) ?? 0) + 1);
  }
  const held = new Map((positions ?? []).filter((each) => isOther(each) && each.quantity !== 0).map((each) => [each.contract, heldText(each)]));
  const textOf = (name) => [counts.has(name) && countOf(counts.get(name)), held.get(name)].filter(Boolean).join(" and ");
  return [...new Set([...counts.keys(), ...held.keys()])].map((name) => `${textOf(name)} of ${name}`).join(", ");
}

const countOf = (count) => `${count} ${count === 1 ? "order" : "orders"}`;

/** "LONG 2" of a position. */
export function heldText({ quantity }) {
  return `${quantity > 0 ? "LONG" : "SHORT"} ${Math.abs(quantity)}`;
}

/** "BUY 2 LMT 21034.25" */
export function orderText(order, priceText) {
  const prices = isStop(order) && order.type === "stop_limit" ? `${priceText(order.stop)} / ${priceText(order.limit)}` : priceText(priceOf(order));
  return `${order.side.toUpperCase()} ${leftOf(order)} ${typeText(order)} ${prices}`;
}

/** "180", the lots ahead of an order that rests in a book; empty where that is not known or there is no queue. */
export function aheadOf(queue) {
  return queue && queue[0] >= 0 ? String(queue[0]) : "";
}

function typeText(order) {
  return order.triggered && order.type === "stop_limit" ? TYPES.limit : TYPES[order.type];
}
