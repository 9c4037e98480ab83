import { TRADE_DATE_SHIFT, etDate, etDay, etMinute, etRepeatedZone, etShortDay, etWallSeconds, etWeekday, etYear } from "../ui/time.js";

/**
 * The chart's time axis in ET. Times given to the chart stay true UTC seconds. The chart library decides in
 * UTC which bars get a label and how heavy a label is, so its weights are replaced by ones of the ET wall
 * clock; its formatters are given by options.
 *
 * The library draws the marks of one weight all or not at all (`uniformDistribution`), so that labels stand at
 * even distances. For that the marks of one weight must lie evenly: a Sunday evening is no day of its own, a
 * month begins with its first Monday, and a mark that comes too early after another loses its weight.
 */

/** The library's weights of tick marks (TickMarkWeight): its day, month and year are our day, week and month. */
const MONTH = 70;
const WEEK = 60;
const DAY = 50;
const WITHIN_DAY = [
  [12 * 3600, 33],
  [6 * 3600, 32],
  [3 * 3600, 31],
  [3600, 30],
  [1800, 22],
  [900, 21],
  [300, 20],
  [60, 10],
];

const DAY_SECONDS = 86_400;
const STEP_SECONDS = { m: 60, h: 3600, D: DAY_SECONDS };
/** How much of its usual distance a mark must have to the one before: the hour without trading may lie between. */
const NEAR = 2 / 3;

const days = (wall) => Math.floor(wall / DAY_SECONDS);
// 1970-01-05 was a Monday
const weeks = (wall) => Math.floor((days(wall) - 4) / 7);
const isSunday = (wall) => new Date(wall * 1000).getUTCDay() === 0;
const isFirstWeekOfMonth = (wall) => new Date((weeks(wall) * 7 + 4) * DAY_SECONDS * 1000).getUTCDate() <= 7;

/**
 * Weight of the mark of a bar at a wall-clock instant (seconds), the bar before it being at `earlier`.
 * A Sunday evening counts to the Friday before it, or its label would stand in the way of Monday's. Where
 * Saturday was traded too, Sunday is a day like the others.
 */
export function weightBetween(wall, earlier) {
  const before = isSunday(earlier) ? earlier - 2 * DAY_SECONDS : earlier;
  const isEvening = isSunday(wall) && days(wall) - days(earlier) !== 1;
  if (days(wall) > days(before) && !isEvening) {
    if (weeks(wall) === weeks(before)) return DAY;
    return isFirstWeekOfMonth(wall) ? MONTH : WEEK;
  }
  return WITHIN_DAY.find(([size]) => wall % size === 0)?.[1] ?? 0;
}

function secondsOf(timeframe) {
  return Number.parseInt(timeframe, 10) * STEP_SECONDS[timeframe.at(-1)];
}

/** What a timeframe's bars are labelled with: a daily bar opens on the evening before its trade date. */
export function labelShift(timeframe) {
  return timeframe === "1D" ? TRADE_DATE_SHIFT : 0;
}

/** Whether a mark of this weight comes too early after one that is as heavy or heavier. */
function tooNear(points, index, weight, step) {
  const size = WITHIN_DAY.find(([, heavy]) => heavy === weight)?.[0] ?? 0;
  const least = Math.ceil((size / step) * NEAR);
  return points.slice(Math.max(0, index - least + 1), index).some(({ timeWeight }) => timeWeight >= weight);
}

/**
 * The library's horizontal scale with weights of the ET wall clock.
 * Base: the class that `defaultHorzScaleBehavior()` gives. timeframe(): that of the bars.
 */
export function etScaleBehavior(Base, timeframe) {
  return class extends Base {
    fillWeightsForPoints(points, startIndex) {
      const step = secondsOf(timeframe());
      const wall = (index) => etWallSeconds(this.key(points[index].time) + labelShift(timeframe()));
      // what came before the first point is not known, and its label would hang over the edge
      if (startIndex === 0 && points.length > 0) points[0].timeWeight = 0;
      for (let index = Math.max(1, startIndex); index < points.length; index += 1) {
        const weight = weightBetween(wall(index), wall(index - 1));
        points[index].timeWeight = tooNear(points, index, weight, step) ? 0 : weight;
      }
    }

    maxTickMarkWeight(marks) {
      // every day's label is bold, not only the first of a week where one is in view
      return Math.min(DAY, super.maxTickMarkWeight(marks));
    }
  };
}

function dayLabel(at) {
  const day = etShortDay(at);
  return day.endsWith("Jan") ? `${day} ${etYear(at)}` : day;
}

/** A day of the weekend is named, as it is traded only here and there. */
function weekLabel(at) {
  return [0, 6].includes(etDate(at).getUTCDay()) ? etWeekday(at) : etShortDay(at);
}

/** The library's kinds of labels (TickMarkType): the year's, which stands for our month, and those of days. */
const LABEL = { 0: dayLabel, 1: etShortDay, 2: weekLabel };

/** Options of the axis' labels and of the crosshair's. timeframe() is asked at each label. */
export function etScaleOptions(timeframe) {
  const isDaily = () => timeframe() === "1D";
  return {
    timeScale: {
      timeVisible: true,
      secondsVisible: false,
      tickMarkFormatter: (time, kind) => {
        const label = LABEL[kind] ?? (isDaily() ? etShortDay : etMinute);
        return label(time + labelShift(timeframe()));
      },
    },
    localization: {
      dateFormat: "dd MMM yyyy",
      timeFormatter: (time) => {
        const at = time + labelShift(timeframe());
        return isDaily() ? etDay(at) : `${etDay(at)}  ${etMinute(at)} ${etRepeatedZone(at)}`.trimEnd();
      },
    },
  };
}
