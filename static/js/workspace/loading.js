import { etText, roughly, secondsFromNs } from "../ui/time.js";
import { eventsOf } from "./grades.js";

/**
 * What is being loaded, or null: {text, short, share}. `text` is "loading SI 2023-03-13: fetching … 43 % · about
 * 12 s left", `short` the same without what is being done, `share` how much is done, 0 to 1. Of a download that
 * waits for a yes both texts are "loading SI 2023-03-13 costs about $2.43". `sought` is where the last "Go to" goes.
 */
export function loadingOf({ session, clock, job, sought }) {
  if (!session || session.state === "failed") return null;
  const isFirst = session.state === "loading";
  if (!isFirst && !job && !clock?.loading) return null;
  const more = eventsOf(job) ?? `more of ${session.root}`;
  const what = isFirst || clock?.loading ? whichDay(session, clock, sought) : more;
  const text = (progress) => `loading ${what}${progress ? `: ${progress}` : ""}`;
  if (!job) return { text: text(""), short: text(""), share: 0 };
  if (isAsking(job)) return asking(`loading ${what} costs about ${job.cost}`);
  return { text: text(progressText(session, job)), short: text(percentText(job)), share: shareOf(job) };
}

/** Whether a job waits for a yes to its cost. */
export function isAsking(job) {
  return job?.state === "asking";
}

/** How much of a job is done, 0 to 1. */
export function shareOf(job) {
  return job.total > 0 ? Math.min(1, job.done / job.total) : 0;
}

/** "43 % · about 12 s left" */
export function percentText(job) {
  const left = Number.isFinite(job.eta_seconds) ? ` · ${roughly(job.eta_seconds)} left` : "";
  return `${Math.round(shareOf(job) * 100)} %${left}`;
}

/** "12 of 29 · 3.1 a second"; empty before the first is done. */
export function countText({ done, total, rate }) {
  if (!total) return "";
  const speed = rate > 0 ? ` · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second` : "";
  return `${done} of ${total}${speed}`;
}

function asking(text) {
  return { text, short: text, share: 0 };
}

function progressText(session, job) {
  const doing = (job.message ?? "").replace(`${session.root}: `, "");
  return doing ? `${doing} … ${percentText(job)}` : percentText(job);
}

function whichDay(session, clock, sought) {
  const standing = clock?.playhead ?? session.entry_ns;
  const day = clock?.loading ? sought : etText(secondsFromNs(standing));
  return day ? `${session.root} ${day.slice(0, 10)}` : session.root;
}
