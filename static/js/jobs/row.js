import { setAttribute, setText } from "../ui/dom.js";
import { duration, roughly } from "../ui/time.js";

const KB_IN_MB = 1024;
const IMPORT = "import";

/**
 * "5 of 17 · 2.1 a second · about 6 s left"; how fast only while there is something left to tell. Imports count in KB:
 * "91.4 of 130.9 MB · 78.8 MB a second · about 1 s left".
 */
export function unitsText({ kind, done, total, rate, eta_seconds: eta }) {
  if (!total) return "";
  const units = kind === IMPORT ? sizesText(done, total) : `${done} of ${total}`;
  if (!Number.isFinite(eta)) return units;
  const speed = kind === IMPORT ? `${sizesText(rate)} a second` : rateText(rate);
  return `${units} · ${speed} · ${roughly(eta)} left`;
}

/** "91.4 of 130.9 MB"; the server writes the same of a job that it draws. */
function sizesText(...counts) {
  const [size, unit] = Math.max(...counts) >= KB_IN_MB ? [KB_IN_MB, "MB"] : [1, "KB"];
  return `${counts.map((count) => (count / size).toFixed(size > 1 ? 1 : 0)).join(" of ")} ${unit}`;
}

/** "2.1 a second", or "12 a minute" for what is slow. */
export function rateText(rate) {
  const [count, unit] = rate >= 1 ? [rate, "second"] : [rate * 60, "minute"];
  return `${count >= 10 ? Math.round(count) : count.toFixed(1)} a ${unit}`;
}

/** Shows in a row of the list how its job stands; the server draws the row anew when the state changes. */
export function drawRow(row, job) {
  const show = (name, text) => setText(row.querySelector(`[data-show=${name}]`), text);
  show("units", unitsText(job));
  show("message", job.message);
  if (job.cost) show("cost", `about ${job.cost}`);
  const percent = job.total ? Math.floor((job.done * 100) / job.total) : 0;
  const bar = row.querySelector(".progress");
  if (!bar) return;
  setAttribute(bar, "aria-valuenow", percent);
  bar.firstElementChild.style.width = `${percent}%`;
}

/** Adds rate and time left to a row that the server has just drawn. */
export function fillIn(row) {
  const units = row.querySelector("[data-show=units]");
  if (!units?.dataset.rate) return;
  const { kind, done, total, rate, eta } = units.dataset;
  setText(units, unitsText({ kind, done: Number(done), total: Number(total), rate: Number(rate), eta_seconds: Number(eta) }));
}

/** Lets the time of a running job go on. nowSeconds: UTC. */
export function tick(row, nowSeconds) {
  const cell = row.querySelector("[data-since]");
  if (cell) setText(cell, duration(nowSeconds - Number(cell.dataset.since)));
}
