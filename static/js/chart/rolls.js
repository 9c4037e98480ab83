import { countText } from "../ui/price.js";

/** The kind of those that no volumes decided. */
const OF_FILES = "files";
/** The kind of those that the live feed decided. */
const OF_LIVE = "live";
const KINDS = {
  [OF_FILES]: "because the files that were imported go on with this contract",
  volume: "because more of the new contract was traded",
  cache_gap: "decided although some days in between are not stored",
  dead_contract: "because the old contract stopped trading",
  [OF_LIVE]: "because more of the new contract was traded on the day before",
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
    "From here on the chart shows the next contract.",
    joinText(mark, format),
    volumesText(mark),
    KINDS[mark.kind] ? `Rolled ${KINDS[mark.kind]}.` : null,
  ].filter((line) => line !== null);
}

function joinText(mark, format) {
  if (!mark.complete) return "The price difference of the two contracts is not known, so the prices jump here.";
  return `Prices before it are shifted by the difference of the two contracts${mark.spread === null ? "" : `, ${format.signed(mark.spread)}`}.`;
}

function volumesText({ kind, from, to, from_volume: old, to_volume: fresh }) {
  if (kind === OF_FILES || kind === OF_LIVE) return null;
  if (old === null || fresh === null || old === undefined || fresh === undefined) return "The volumes that decided it are told once their day is over.";
  return `Volume of the day: ${from} ${countText(old)} · ${to} ${countText(fresh)}`;
}

/**
 * How the prices of `current`, the front month now, are shown in a chart of `entry`'s prices: {text, title}, or null
 * where there is nothing to tell. Either may be unknown.
 */
export function shownPrices(marks, entry, current) {
  if (!entry || !current || entry === current) return null;
  const first = marks.findIndex(({ from }) => from === entry);
  const last = marks.findIndex(({ to }) => to === current);
  if (first >= 0 && marks.slice(first, last + 1).some(({ complete }) => !complete)) {
    return {
      text: "prices jump at the roll",
      title: `${current} is the front month now. At an orange roll the difference of the two contracts is not known: from there on the prices are not those of ${entry}.`,
    };
  }
  return {
    text: `shown in ${entry} prices`,
    title: `${current} is the front month now. It is shown in the prices of ${entry}, shifted by the difference of the contracts: ${current} itself trades at other prices.`,
  };
}

/** "no roll", "1 roll", "3 rolls" */
export function rollCount(marks) {
  if (marks.length === 0) return "no roll";
  return marks.length === 1 ? "1 roll" : `${marks.length} rolls`;
}
