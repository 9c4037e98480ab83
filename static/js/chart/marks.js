import { dayOfDate } from "../ui/time.js";

/** What stands on a chart at an instant: rolls, and sessions whose data the vendor calls less than good. */

const isFlaw = ({ kind }) => kind === "degraded";

/** Names a mark: a roll and a flaw may stand at the same opening. */
export function markId(mark) {
  return isFlaw(mark) ? `flaw ${mark.at_ns}` : mark.at_ns;
}

/** The rolls among marks. */
export function rollsOf(marks) {
  return marks.filter((mark) => !isFlaw(mark));
}

/** The flaws among marks. */
export function flawsOf(marks) {
  return marks.filter(isFlaw);
}

/** What the tooltip of a flaw says, line by line. `source`: who says so. */
export function flawDetails({ days }, source) {
  const lines = Object.entries(days).map(([day, condition]) => `${source} calls the data of ${dayOfDate(day)} ${condition}`);
  return [...lines, "Bars of this session may be missing or incomplete. Days are UTC."];
}
