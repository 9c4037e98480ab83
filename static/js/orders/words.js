/** Orders in words and prices, for tables and messages. */

const TYPES = { market: "market", limit: "limit", stop: "stop", stop_limit: "stop limit", trailing_stop: "trail" };
const UNKNOWN = -1;

export function typeText(type) {
  return TYPES[type] ?? type;
}

/** "180 ahead of 412" of [ahead, displayed]; "not in view" outside the book's levels; empty where it rests in no book. */
export function queueText(place) {
  if (!place) return "";
  const [ahead, displayed] = place;
  if (displayed !== UNKNOWN) return `${ahead} ahead of ${displayed}`;
  return ahead === UNKNOWN ? "not in view" : `${ahead} ahead, not in view`;
}

/** What an order does in the market: "market", "@ 20 195.50", "stop 20 190.00", "stop 1 → 2", "trail 8t". */
export function doesText({ type, limit = null, stop = null, offset = null }, format) {
  const text = (ticks) => (ticks === null ? "…" : format.ofTicks(ticks, { group: true }));
  if (type === "limit") return `@ ${text(limit)}`;
  if (type === "stop") return `stop ${text(stop)}`;
  if (type === "stop_limit") return `stop ${text(stop)} → ${text(limit)}`;
  return type === "trailing_stop" ? `trail ${offset ?? "…"}t` : "market";
}

/**
 * An order's state with its reason: "rejected: max position 5: this order would make 7"; `refused`: of a change.
 * wish: what has been asked of it and has not come, in words, as `wishText` has them.
 */
export function stateText({ status, text, triggered, over, refused = false }, wish = "") {
  const word = triggered && !over ? `${status}, triggered` : status;
  if (wish && !over) return `${word}, ${wish}`;
  if (refused) return `${word}, not changed: ${text}`;
  return text ? `${word}: ${text}` : word;
}

/** "change to 20 740.00 on its way" of what has been asked of an order (`Asked`); empty for nothing. */
export function wishText(wish, format) {
  if (!wish) return "";
  if (wish.cancels) return "cancel on its way";
  const { quantity, stop, limit, offset } = wish.changes;
  const price = (ticks) => ticks !== undefined && format.ofTicks(ticks, { group: true });
  const parts = [quantity !== undefined && `${quantity} lots`, price(stop), price(limit), offset !== undefined && `${offset}t behind`];
  return `change to ${parts.filter(Boolean).join(" · ")} on its way`;
}

/** What an order sells or buys: "sell short" only where it would still leave the contract short. held: signed lots in it. */
export function sideWords({ side, short, over, quantity, filled }, held) {
  return short && (over || quantity - filled > Math.max(0, held)) ? "sell short" : side;
}

/** "Buy 2 @ 20 195.50: working", one order's story in a line. wish: as `Asked` has it. */
export function storyOf(order, format, wish = null) {
  const side = order.side === "buy" ? "Buy" : "Sell";
  const filled = order.filled && order.filled < order.quantity ? ` (${order.filled} of ${order.quantity} filled)` : "";
  return `${side} ${order.quantity} ${doesText(order, format)}: ${stateText(order, wishText(wish, format))}${filled}`;
}
