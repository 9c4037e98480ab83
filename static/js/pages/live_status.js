/** Entry of the page that tells how the feed stands: htmx brings it again; here it is noticed that nothing comes any more. */

import { Answers } from "../live/lost.js";
import { setAttribute, setText, show } from "../ui/dom.js";

const TICK_MS = 1000;
const lost = document.getElementById("status-lost");
const answers = new Answers(performance.now());

function draw() {
  const text = answers.text(performance.now());
  setText(lost, text);
  show(lost, text !== "");
  const status = document.getElementById("live-status");
  setAttribute(status, "data-lost", text ? "true" : null);
  const chip = status.querySelector(".connection");
  if (!text) return;
  setText(chip, "not known");
  setAttribute(chip, "data-state", "stopped");
}

document.addEventListener("htmx:afterSwap", () => {
  answers.heard(performance.now());
  draw();
});
setInterval(draw, TICK_MS);
