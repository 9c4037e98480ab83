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
