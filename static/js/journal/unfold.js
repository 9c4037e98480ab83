/** The rows of trades that unfold into their fills: htmx fetches these, a second press folds them up again. */

import { setAttribute } from "../ui/dom.js";

const BUTTON = "button.unfold";

/** The cell that a button's fills come into. */
function cellOf(button) {
  return button.closest("tbody").querySelector(".trade-fills > td");
}

function isUnfolded(button) {
  return button.getAttribute("aria-expanded") === "true";
}

/** Whether a trade is unfolded, or a note is being written. */
export function isInUse(root) {
  return Boolean(root.querySelector('.note-form, button.unfold[aria-expanded="true"]'));
}

/** Watches all trades under `root`, those that come later too. */
export function unfoldTrades(root, signal) {
  root.addEventListener(
    "htmx:beforeRequest",
    (event) => {
      const button = event.target.closest(BUTTON);
      if (!button || !isUnfolded(button)) return;
      event.preventDefault();
      cellOf(button).replaceChildren();
      setAttribute(button, "aria-expanded", "false");
    },
    { signal },
  );
  root.addEventListener(
    "htmx:afterSwap",
    (event) => {
      const button = event.detail.requestConfig?.elt.closest?.(BUTTON);
      if (button) setAttribute(button, "aria-expanded", "true");
    },
    { signal },
  );
}
