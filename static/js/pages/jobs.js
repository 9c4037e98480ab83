/** Entry of the jobs page: keeps the list as the server has it. htmx draws the rows; progress comes over a socket. */

import { drawRow, fillIn, tick } from "../jobs/row.js";
import { JobsSocket } from "../net/jobs_socket.js";
import { setAttribute, setText, show } from "../ui/dom.js";

const CONNECTION = { connecting: "connecting …", live: "live", reconnecting: "reconnecting …", stopped: "logged out" };
const NOTE_MS = 8000;

const { htmx } = window;
const main = document.getElementById("main");
const chip = document.querySelector("[data-show=connection]");
const note = document.getElementById("said");
const rowOf = (id) => document.getElementById(`job-${id}`);
const isFirstPage = () => !new URLSearchParams(window.location.search).has("before");
let noteTimer = null;

function refresh() {
  htmx.ajax("GET", window.location.pathname + window.location.search, { target: "#jobs", swap: "outerHTML" });
}

/** Whether a job that is not in the list is a new one that belongs there. */
function isNewHere(job) {
  const chosen = document.getElementById("jobs").dataset.chosenUser;
  const newest = document.querySelector("#jobs [data-job]")?.dataset.job ?? 0;
  return isFirstPage() && job.id > Number(newest) && (!chosen || chosen === String(job.user));
}

function changed(job) {
  const row = rowOf(job.id);
  if (row?.dataset.state === job.state) drawRow(row, job);
  else if (row || isNewHere(job)) refresh();
}

function say(text) {
  clearTimeout(noteTimer);
  setText(note, text);
  show(note, Boolean(text));
  noteTimer = setTimeout(() => show(note, false), NOTE_MS);
}

function stateChanged(state) {
  setText(chip, CONNECTION[state]);
  setAttribute(chip, "data-state", state);
  if (state === "stopped") window.location.assign(`${main.dataset.loginUrl}?next=${encodeURIComponent(window.location.pathname)}`);
}

const url = new URL("/ws/jobs/", window.location.href);
url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
const socket = new JobsSocket({ url: url.href, onReady: refresh, onJob: changed, onState: stateChanged });
socket.open();

const rows = () => document.querySelectorAll("#jobs [data-job]");
rows().forEach(fillIn);
document.addEventListener("htmx:load", (event) => {
  const { elt } = event.detail;
  for (const row of elt.matches("[data-job]") ? [elt] : elt.querySelectorAll("[data-job]")) fillIn(row);
});
document.addEventListener("futsim:said", (event) => say(event.detail.text));
document.addEventListener("htmx:sendError", () => say("The server did not answer. Try again in a moment."));
setInterval(() => rows().forEach((row) => tick(row, Date.now() / 1000)), 1000);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && socket.retryNow());
window.addEventListener("online", () => socket.retryNow());
window.addEventListener("pagehide", () => socket.close());
window.addEventListener("pageshow", (event) => event.persisted && socket.open());
