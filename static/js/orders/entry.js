import { readPrice } from "../ui/price_entry.js";

/** What stands in the ticket's fields, made into an order of the protocol. */

export const ORDER_TYPES = ["market", "limit", "stop", "stop_limit", "trailing_stop"];
export const TIMES_IN_FORCE = ["day", "gtc", "ioc", "fok"];
export const MOST = 1_000_000;

/** The price fields that a type of order has. */
export const FIELDS_OF = {
  market: [],
  limit: ["limit"],
  stop: ["stop"],
  stop_limit: ["stop", "limit"],
  trailing_stop: ["offset", "step"],
};

/** A whole number that was typed, as {value}, or {problem} in words. */
export function readWhole(text, { least = 1, most = MOST } = {}) {
  const typed = text.replace(/[\s\u202f,]/g, "");
  const value = /^-?\d+$/.test(typed) ? Number(typed) : Number.NaN;
  if (value >= least && value <= most) return { value };
  return { problem: `A whole number from ${least} to ${most}.` };
}

/** Collects what fields hold and, by their names, what is wrong with them. */
class Reading {
  problems = {};

  whole(name, text, limits) {
    return this.#kept(name, readWhole(text, limits), "value");
  }

  price(name, text, format) {
    return this.#kept(name, readPrice(text, format), "ticks");
  }

  #kept(name, read, key) {
    if (read.problem) this.problems[name] = read.problem;
    return read[key];
  }
}

/**
 * The order that the fields (texts, and ticks of the boxes) ask for: {order, problems}. `problems` has words for each
 * field that is wrong, by its name; then `order` is null. Values: {side, type, quantity, limit, stop, offset, step, tif,
 * oco, postOnly, reduceOnly, exits (fields of a bracket, or null)}.
 */
export function buildOrder(values, format) {
  const reading = new Reading();
  const { side, type, tif } = values;
  const order = { side, quantity: reading.whole("quantity", values.quantity), type, tif, origin: "ticket" };
  for (const name of FIELDS_OF[type]) {
    order[name] = ["limit", "stop"].includes(name) ? reading.price(name, values[name], format) : reading.whole(name, values[name]);
  }
  if (values.oco.trim()) order.oco = values.oco.trim();
  if (values.postOnly) order.post_only = true;
  if (values.reduceOnly) order.reduce_only = true;
  if (values.postOnly && (type !== "limit" || ["ioc", "fok"].includes(tif))) {
    reading.problems.postOnly = "Only a resting limit order can be post-only.";
  }
  const exits = values.exits && readExits(values.exits, reading);
  if (exits) order.exits = exits;
  return { order: Object.keys(reading.problems).length ? null : order, problems: reading.problems };
}

/** A bracket's fields checked by themselves, as before they are kept as a template: what is wrong, by field. */
export function problemsOfExits(fields) {
  const reading = new Reading();
  readExits(fields, reading);
  return reading.problems;
}

/** fields: {stop, targets: [{ticks, quantity}], after, plus, trigger, distance, trailStep}, all texts; null for nothing. */
function readExits(fields, reading) {
  const exits = {};
  const targets = readTargets(fields.targets, reading);
  if (targets.length) exits.targets = targets;
  if (fields.stop) exits.stop = reading.whole("exitStop", fields.stop);
  if (fields.after) {
    exits.breakeven = { after: reading.whole("after", fields.after), plus: reading.whole("plus", fields.plus || "0", { least: -MOST }) };
  }
  if (fields.trigger || fields.distance) exits.trail = readTrail(fields, reading);
  if ((exits.breakeven || exits.trail) && !fields.stop) reading.problems.exitStop = "Breakeven and trail move a stop: give one.";
  return Object.keys(exits).length ? exits : null;
}

function readTargets(rows, reading) {
  const given = rows.map((row, index) => ({ ...row, index })).filter(({ ticks, quantity }) => ticks || quantity);
  return given.map(({ ticks, quantity, index }, place) => {
    const target = { ticks: reading.whole(`target${index}`, ticks) };
    if (quantity) target.quantity = reading.whole(`targetQuantity${index}`, quantity);
    else if (place < given.length - 1) reading.problems[`targetQuantity${index}`] = "Only the last target may take all that is left.";
    return target;
  });
}

function readTrail({ trigger, distance, trailStep }, reading) {
  return {
    trigger: reading.whole("trigger", trigger),
    distance: reading.whole("distance", distance),
    step: reading.whole("trailStep", trailStep || "1"),
  };
}

/** "stop 37t · targets 40t, 74t · breakeven · trail" of a bracket's fields; "nothing yet" where they are empty. */
export function exitsText({ stop, targets, after, distance }) {
  const ticks = targets.map((target) => target.ticks).filter(Boolean);
  const parts = [
    stop && `stop ${stop}t`,
    ticks.length && `${ticks.length === 1 ? "target" : "targets"} ${ticks.map((each) => `${each}t`).join(", ")}`,
    after && "breakeven",
    distance && "trail",
  ];
  return parts.filter(Boolean).join(" · ") || "nothing yet";
}
