import { countText } from "../ui/price.js";

const KINDS = {
  volume: "decided by volume",
  cache_gap: "decided across a gap in the stored days",
  dead_contract: "the old contract stopped trading",
};

/** "roll NQH6→NQM6 +178.25"; the spread is left out while it is not known. */
export function rollText(mark, format) {
  const spread = mark.spread === null || mark.spread === undefined ? "" : ` ${format.signed(mark.spread)}`;
  return `roll ${mark.from}→${mark.to}${spread}`;
}

/** What the tooltip of a roll says, line by line. */
export function rollDetails(mark, format) {
  return [
    rollText(mark, format),
    mark.complete ? "Complete: the prices of both contracts are joined by the spread." : "Incomplete: the spread is not known, so the prices jump here.",
    volumesText(mark),
    KINDS[mark.kind] ? `Roll ${KINDS[mark.kind]}.` : null,
  ].filter((line) => line !== null);
}

function volumesText({ from, to, from_volume: old, to_volume: fresh }) {
  if (old === null || fresh === null || old === undefined || fresh === undefined) return "Volumes after the day's close.";
  return `Volume of the day: ${from} ${countText(old)} · ${to} ${countText(fresh)}`;
}

/** "no roll", "1 roll", "3 rolls" */
export function rollCount(marks) {
  if (marks.length === 0) return "no roll";
  return marks.length === 1 ? "1 roll" : `${marks.length} rolls`;
}
