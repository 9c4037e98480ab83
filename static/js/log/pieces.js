/** "2026-11-26", "2026-11-26 09:30:00 ET" or "NQZ6 from 2026-11-26" */
const DATE = /((?:[A-Z0-9]+ from )?\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?(?: ET)?)/;

/** A log line cut into [{text, keep}]: `keep` where no line break belongs, as within a date and its contract. */
export function pieces(line) {
  return line.split(DATE).map((text, index) => ({ text, keep: index % 2 === 1 })).filter(({ text }) => text);
}
