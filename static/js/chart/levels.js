import { directionOf, signedMoney } from "../ui/money.js";
import { canMove, heldText, isStop, orderText, roleOf, waitingIn, priceOf } from "../working/orders.js";

/**
 * The levels of one's own on a chart: {key, kind, price, text, role, side, dashed, waits, movable, order}. `price` counts
 * ticks of the contract's own prices and is a whole number but for a position's average.
 */

/** One's orders in a contract, and the position in it. */
export function levelsOf({ orders, positions, asked, contract }, priceText) {
  const levels = waitingIn(orders, contract, asked).map((order) => orderLevel(order, priceText));
  // what is nearest to the money has the place at the edge
  levels.sort((a, b) => (a.role === "entry") - (b.role === "entry"));
  const held = positions?.find((each) => each.contract === contract && each.quantity !== 0);
  return held ? [positionLevel(held, priceText), ...levels] : levels;
}

/** One order's level, as the order stands or would stand. */
export function orderLevel(order, priceText) {
  return {
    key: order.id,
    kind: "order",
    price: priceOf(order),
    text: orderText(order, priceText),
    role: roleOf(order),
    side: order.side,
    dashed: isStop(order),
    waits: order.waits,
    movable: canMove(order),
    order,
  };
}

function positionLevel(position, priceText) {
  const { average, open } = position;
  const text = `${heldText(position)} @ ${priceText(average)} ${signedMoney(open)}`;
  return { key: "position", kind: "position", price: average, text, role: directionOf(open) === "down" ? "loss" : "gain", side: null, dashed: false, waits: false, movable: false, order: null };
}

/** The height of a level on the axis: the chart adds the contract's shift (1e-9 units) to its own prices. */
export function heightOf(price, scale, shift) {
  return scale.heightOf(price * Number(scale.format.tick) + shift);
}

/** The whole tick of the contract's own prices that is nearest to a height on the axis. */
export function tickAt(height, scale, shift) {
  return Math.round((scale.nanosAt(height) - shift) / Number(scale.format.tick));
}

/**
 * How far from the right edge each tag stands, so that none lies over another: [{y, width}] in any order → offsets.
 * Those that would touch stand side by side, the first nearest to the edge; what has no room in `room` stands over others.
 */
export function lanes(tags, height, room = Infinity) {
  const placed = [];
  return tags.map(({ y, width }) => {
    const near = placed.filter((other) => Math.abs(other.y - y) < height).sort((a, b) => a.from - b.from);
    let from = 0;
    for (const other of near) if (other.from < from + width && from < other.to) from = other.to;
    from = Math.max(0, Math.min(from, room - width));
    placed.push({ y, from, to: from + width });
    return from;
  });
}
