/** Which rolls get a label, and how high it stands: above every bar it reaches across, and never over another. */

const GAP = 6;

/**
 * The labels that have room, of [{x, width}] rising in x (centres and widths in pixels) on a pane of `room`
 * pixels. Where two are in each other's way the newer one stays; its fellow still has its dot and tooltip.
 */
export function labelsWithRoom(labels, room) {
  const kept = [];
  let right = room;
  for (const label of labels.toReversed()) {
    const from = label.x - label.width / 2;
    const to = label.x + label.width / 2;
    if (from < 0 || to > right) continue;
    kept.unshift(label);
    right = from - GAP;
  }
  return kept;
}

/** The highest price of the bars within `reach` bars of the one at `index`, in wire units. */
export function heightAround(bars, index, reach) {
  const from = Math.max(0, Math.floor(index - reach));
  return bars.h.slice(from, Math.ceil(index + reach) + 1).reduce((highest, price) => Math.max(highest, price));
}
