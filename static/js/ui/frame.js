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

  /** Forgets a `draw` that waits, as when its panel is destroyed. */
  cancel(draw) {
    this.#waiting.delete(draw);
  }

  #run() {
    const draws = [...this.#waiting];
    this.#waiting.clear();
    this.#handle = null;
    for (const draw of draws) {
      try {
        draw();
      } catch (error) {
        // one panel's fault must not stop the others' drawing
        console.error(error);
      }
    }
  }
}
