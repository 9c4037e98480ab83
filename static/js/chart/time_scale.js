import { TRADE_DATE_SHIFT, etDay, etMinute, etMonth, etShortDay, etWallSeconds, etYear } from "../ui/time.js";

/**
 * The chart's time axis in ET. Times given to the chart stay true UTC seconds. The chart library decides in
 * UTC which bars get a label and how heavy a label is, so its weights are replaced by ones of the ET wall
 * clock; its formatters are given by options.
 */

/** The library's weights of tick marks (TickMarkWeight). */
const YEAR = 70;
const MONTH = 60;
const DAY = 50;
const WITHIN_DAY = [
  [12 * 3600, 33],
  [6 * 3600, 32],
  [3 * 3600, 31],
  [3600, 30],
  [1800, 22],
  [300, 21],
  [60, 20],
  [1, 10],
];

/** The library's kinds of labels (TickMarkType). */
const LABEL = { 0: etYear, 1: etMonth, 2: etShortDay, 3: etMinute, 4: etMinute };

/** Weight of the mark between two wall-clock instants (seconds): the largest unit whose boundary lies between. */
export function weightBetween(wall, earlier) {
  // in November the wall clock goes back by an hour: weigh the hour that comes again as itself
  const before = Math.min(earlier, wall - 1);
  const date = new Date(wall * 1000);
  const old = new Date(before * 1000);
  if (date.getUTCFullYear() !== old.getUTCFullYear()) return YEAR;
  if (date.getUTCMonth() !== old.getUTCMonth()) return MONTH;
  if (date.getUTCDate() !== old.getUTCDate()) return DAY;
  const crossed = WITHIN_DAY.find(([size]) => Math.floor(wall / size) !== Math.floor(before / size));
  return crossed ? crossed[1] : 0;
}

/** What a timeframe's bars are labelled with: a daily bar opens on the evening before its trade date. */
export function labelShift(timeframe) {
  return timeframe === "1D" ? TRADE_DATE_SHIFT : 0;
}

/**
 * The library's horizontal scale with weights of the ET wall clock.
 * Base: the class that `defaultHorzScaleBehavior()` gives. shift(): seconds added before labelling.
 */
export function etScaleBehavior(Base, shift) {
  return class extends Base {
    fillWeightsForPoints(points, startIndex) {
      if (points.length === 0) return;
      const wall = (index) => etWallSeconds(this.key(points[index].time) + shift());
      let before = startIndex > 0 ? wall(startIndex - 1) : null;
      for (let index = startIndex; index < points.length; index += 1) {
        const now = wall(index);
        if (before !== null) points[index].timeWeight = weightBetween(now, before);
        before = now;
      }
      // what came before the first point is not known: assume an average step
      if (startIndex === 0 && points.length > 1) {
        const step = Math.ceil((before - wall(0)) / (points.length - 1));
        points[0].timeWeight = weightBetween(wall(0), wall(0) - step);
      }
    }
  };
}

/** Options of the axis' labels and of the crosshair's. shift() and isDaily() are asked at each label. */
export function etScaleOptions(shift, isDaily) {
  return {
    timeScale: {
      timeVisible: true,
      secondsVisible: false,
      tickMarkFormatter: (time, kind) => LABEL[kind](time + shift()),
    },
    localization: {
      dateFormat: "dd MMM yyyy",
      timeFormatter: (time) => {
        const at = time + shift();
        return isDaily() ? etDay(at) : `${etDay(at)}  ${etMinute(at)}`;
      },
    },
  };
}
