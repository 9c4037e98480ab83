/** Where the stack of banners may stand: over a chart or the page, never over what takes orders. */

const GAP = 8;

/** Whether two boxes {left, top, width, height} share a pixel. */
export function overlap(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

function* placesIn(area, { width, height }) {
  const [left, right] = [area.left + GAP, area.left + area.width - width - GAP];
  const [top, bottom] = [area.top + GAP, area.top + area.height - height - GAP];
  const middle = area.left + (area.width - width) / 2;
  for (const y of [top, bottom]) for (const x of [middle, left, right]) yield { left: x, top: y };
}

const within = (place, size, view) =>
  place.left >= 0 && place.top >= 0 && place.left + size.width <= view.width && place.top + size.height <= view.height;

/**
 * {left, top} of a box of `size` {width, height}: in the first of `areas` that has room for it beside the `obstacles`,
 * which are never covered. null where nothing has room: then it is to be made smaller. All are boxes of the window `view`.
 */
export function placeOf(size, areas, obstacles, view) {
  for (const area of areas) {
    for (const place of placesIn(area, size)) {
      const box = { ...place, ...size };
      if (within(place, size, view) && !obstacles.some((each) => overlap(box, each))) return place;
    }
  }
  return null;
}
