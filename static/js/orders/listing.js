/**
 * Orders in the order of the table: those that work first, the newest on top, then those that are over. Exits stand
 * under their entry for as long as it is known: [{order, depth}].
 */
export function listOrders(orders) {
  const groups = groupsOf(orders);
  const isWorking = (group) => group.some((order) => !order.over);
  const newest = (a, b) => b[0].number - a[0].number;
  const working = groups.filter(isWorking).sort(newest);
  const over = groups.filter((group) => !isWorking(group)).sort(newest);
  return [...working, ...over].flatMap(rowsOf);
}

/** How many orders are not over. */
export function countWorking(orders) {
  return [...orders.values()].filter(({ over }) => !over).length;
}

function groupsOf(orders) {
  const groups = new Map();
  for (const order of [...orders.values()].sort((a, b) => a.number - b.number)) {
    const head = order.exit && orders.has(order.entry) ? order.entry : order.id;
    if (!groups.has(head)) groups.set(head, []);
    groups.get(head).push(order);
  }
  return [...groups.values()];
}

/** In a group the exits that work come before those that are over. */
function rowsOf([head, ...exits]) {
  const sorted = [...exits].sort((a, b) => a.over - b.over || a.number - b.number);
  return [{ order: head, depth: 0 }, ...sorted.map((order) => ({ order, depth: 1 }))];
}
