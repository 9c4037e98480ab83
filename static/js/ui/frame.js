/**
 * One animation frame for all panels: a panel asks for its `draw` as often as data comes, and it runs
 * once in the next frame, with the newest data. In a hidden tab no frame runs and nothing piles up.
 */
export class FrameQueue {
  #waiting = new Set();
  #handle = null;
  #requestFrame;

  constructor(requestFrame = (callback) => window.requestAnimationFrame(callback)) {
    this.#requestFrame = requestFrame;
  }

  /** Runs `draw` in the next frame; asking again before that changes nothing. */
  request(draw) {
    this.#waiting.add(draw);
    this.#handle ??= this.#requestFrame(() => this.#run());
  }

  /** Runs `draw` now, in place of one that waits: for what is about to be seen, or has just been typed. */
  now(draw) {
    this.cancel(draw);
    run(draw);
  }

  /** Forgets a `draw` that waits, as when its panel is destroyed. */
  cancel(draw) {
    this.#waiting.delete(draw);
  }

  #run() {
    const draws = [...this.#waiting];
    this.#waiting.clear();
    this.#handle = null;
    for (const draw of draws) run(draw);
  }
}

/** One panel's fault must not stop the others' drawing. */
function run(draw) {
  try {
    draw();
  } catch (error) {
    console.error(error);
  }
}
