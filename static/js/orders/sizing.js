import { nanosOfDollars } from "../ui/money.js";
import { MOST } from "./entry.js";

/** How many contracts a sum of money may risk. Money is 1e-9 dollars as BigInt. */

/**
 * Floor of target ÷ risk of one, never above the position limit (null: none known) or what an order may have; 0 where
 * nothing is at risk or one contract risks more than the target. But for the most of an order it is the same as
 * `trading.engine.sizing.quantity_for`.
 */
export function quantityFor(target, riskOfOne, most = null) {
  if (riskOfOne === null || riskOfOne <= 0n || target <= 0n) return 0;
  return Math.min(Number(target / riskOfOne), most ?? MOST, MOST);
}

/** A $ Target that was typed: {target, problem}, one of them null; both where nothing was. */
export function readTarget(text) {
  if (text === "") return { target: null, problem: null };
  const amount = nanosOfDollars(text.replace(/[\s\u202f,$]/g, ""));
  return amount !== null && amount > 0n ? { target: amount, problem: null } : { target: null, problem: "An amount above 0, such as 500." };
}
