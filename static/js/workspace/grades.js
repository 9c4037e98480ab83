/** What a session's data can show, by the grade in the clock. */
const MEANINGS = {
  bars: "bars only, without single trades and without the order book",
  trades: "bars and every single trade, without the order book",
  book: "bars, every single trade, and the ten best levels of the order book",
};

/** The grade of the session at the playhead in words: {text, title}; empty text without one. */
export function gradeOf(clock) {
  const meaning = MEANINGS[clock?.grade];
  return meaning
    ? { text: `grade: ${clock.grade}`, title: `What this session is made of: ${meaning}` }
    : { text: "", title: "What this session is made of" };
}

/** Grades from the least to the most. */
export const GRADES = ["bars", "trades", "book"];
const KINDS = { trades: "trades", "order book": "book" };
const NAMES = { trades: "trades", book: "order book" };

/** Whether data of one grade can do what takes another. */
export function suffices(grade, needed) {
  return GRADES.indexOf(grade) >= GRADES.indexOf(needed);
}

/** "the order book", of a job that gets trades or an order book; null for any other job. */
export function eventsOf(job) {
  const grade = KINDS[job?.kind];
  return grade ? `the ${NAMES[grade]}` : null;
}

/** The words of a button that gets a grade. */
export function getText(grade) {
  return `Get the ${NAMES[grade]} of this session`;
}
