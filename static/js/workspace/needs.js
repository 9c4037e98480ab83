import { eventsOf, suffices } from "./grades.js";
import { isAsking } from "./loading.js";

const LACKS = { bars: "This session has bars only.", trades: "This session has its trades, but no order book." };

/**
 * Why a panel that takes a grade is empty, or null where it is not: {text, get, job}. `get` is the grade that a button
 * offers, `job` what asks for an answer. `offers`: the grade offered, where it is another than the one needed.
 */
export function needOf({ exists, session, clock, job, data }, { needs, offers = needs }) {
  if (!exists) return say("Load a replay to see its market here.");
  if (session?.state === "failed") return say("There is no replay to show.");
  if (session?.state !== "ready" || !clock?.grade) return say("The replay is being loaded …");
  if (suffices(clock.grade, needs)) return data ? null : say("Opening …");
  if (eventsOf(job) && isAsking(job)) return { text: `Downloading ${eventsOf(job)} costs about ${job.cost}.`, get: null, job };
  if (eventsOf(job)) return say(`Getting ${eventsOf(job)} … ${job.message ?? ""}`.trim());
  return { text: LACKS[clock.grade], get: offers, job: null };
}

function say(text) {
  return { text, get: null, job: null };
}
