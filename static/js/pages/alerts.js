/** Entry of the history of alerts: what stands there has been looked at; htmx does the filters. */

import { alertsHere } from "../alerts/here.js";

/** The newest firings have been looked at only where they are shown: on the first page, of all assets, live. */
function lookedAt() {
  const asked = new URLSearchParams(window.location.search);
  const newest = document.querySelector("#firings [data-firing]")?.dataset.firing;
  if (newest && !asked.get("asset") && asked.get("kind") !== "replayed" && Number(asked.get("page") ?? 1) === 1) alertsHere.alerts.seen(Number(newest));
}

// once at each connection: what was said before it is not repeated
alertsHere.store.subscribe("state", (state) => state === "live" && setTimeout(lookedAt, 0));
// the minutes before a firing stand in each row
document.addEventListener("alerts:settings", () => window.htmx.ajax("GET", window.location.pathname + window.location.search, { target: "#firings", swap: "outerHTML" }));
