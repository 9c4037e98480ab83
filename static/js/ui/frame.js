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
    attempt(draw);
  }

  /** Forgets a `draw` that waits, as when its panel is destroyed. */
  cancel(draw) {
    this.#waiting.delete(draw);
  }

  #run() {
    const draws = [...this.#waiting];
    this.#waiting.clear();
    this.#handle = null;
    for (const draw of draws) attempt(draw);
  }
}

/** The fault that each drawer told last, until it draws again. */
const told = new WeakMap();

/** Runs `draw`. Its fault must not stop what else draws, nor fill the console: it is told once, not in each frame. */
export function attempt(draw) {
  try {
    draw();
    told.delete(draw);
  } catch (error) {
    if (told.get(draw) === error.message) return;
    told.set(draw, error.message);
    console.error(error);
  }
}
