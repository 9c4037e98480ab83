import { setAttribute, setText } from "../ui/dom.js";
import { duration, roughly } from "../ui/time.js";

/** "5 of 17 · 2.1 a second · about 6 s left"; how fast only while there is something left to tell. */
export function unitsText({ done, total, rate, eta_seconds: eta }) {
  if (!total) return "";
  const units = `${done} of ${total}`;
  return Number.isFinite(eta) ? `${units} · ${rateText(rate)} · ${roughly(eta)} left` : units;
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
  const [done, total] = units.textContent.split(" of ").map(Number);
  setText(units, unitsText({ done, total, rate: Number(units.dataset.rate), eta_seconds: Number(units.dataset.eta) }));
}

/** Lets the time of a running job go on. nowSeconds: UTC. */
export function tick(row, nowSeconds) {
  const cell = row.querySelector("[data-since]");
  if (cell) setText(cell, duration(nowSeconds - Number(cell.dataset.since)));
}
