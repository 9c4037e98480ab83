/** Entry of the journal: htmx does the lists and forms, here is what it does not do. */

import { isInUse, unfoldTrades } from "../journal/unfold.js";

const { htmx } = window;
const main = document.getElementById("main");

unfoldTrades(main);
main.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.target.closest?.(".note-form")?.querySelector("[data-cancel]").click();
});
// What somebody reads or writes is not drawn anew under his hands: then the link stays that shows the rest.
document.addEventListener("journal:ready", async () => {
  if (isInUse(main)) return;
  await htmx.ajax("GET", window.location.pathname + window.location.search, { target: "#trades", swap: "outerHTML" });
  document.getElementById("progress").replaceChildren();
});
