/** How many contracts a sum of money may risk. Money is 1e-9 dollars as BigInt. */

/**
 * Floor of target ÷ risk of one, never above the position limit (null: none known); 0 where nothing is at risk or one
 * contract risks more than the target. The same as `trading.engine.sizing.quantity_for`.
 */
export function quantityFor(target, riskOfOne, most = null) {
  if (riskOfOne === null || riskOfOne <= 0n || target <= 0n) return 0;
  const quantity = Number(target / riskOfOne);
  return most === null ? quantity : Math.min(quantity, most);
}
