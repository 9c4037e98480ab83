import { aheadOf, canMove, isStop, leftOf, movedTo, orderText, priceOf } from "../working/orders.js";

/**
 * One's own orders by price: price → {buy, sell}, each {quantity, ahead, isStop, waits, orders, title} or undefined.
 * Those of one side at one price stand together; `ahead` is the queue before the first of them, as text.
 */
export function ownAt(orders, queues, priceText) {
  const rows = new Map();
  for (const order of orders) {
    const price = priceOf(order);
    if (!rows.has(price)) rows.set(price, {});
    const row = rows.get(price);
    row[order.side] = joined(row[order.side], order, aheadOf(queues?.[order.id]), priceText);
  }
  return rows;
}

function joined(known, order, ahead, priceText) {
  const title = orderText(order, priceText);
  const own = { quantity: leftOf(order), ahead, isStop: isStop(order), waits: order.waits, orders: [order], title };
  if (known === undefined) return own;
  return {
    quantity: known.quantity + own.quantity,
    ahead: [known.ahead, ahead].filter(Boolean).sort((a, b) => a - b)[0] ?? "",
    isStop: known.isStop || own.isStop,
    waits: known.waits || own.waits,
    orders: [...known.orders, order],
    title: `${known.title}\n${title}`,
  };
}

/** Orders as they would be if those with these ids were moved by so many ticks. */
export function withMoved(orders, { ids, by }) {
  return orders.map((order) => (ids.has(order.id) && canMove(order) ? { ...order, ...movedTo(order, priceOf(order) + by), waits: true } : order));
}
