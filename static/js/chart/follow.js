/**
 * Keeps the newest bar in view while the user looks at it, and leaves the view alone once he scrolled back.
 * The chart's own shifting is switched off for it: this also holds when bars are taken away (step back) and
 * when the whole chart is drawn anew.
 */
export const RIGHT_SPACE = 8;
const BAR_SPACING = 8;
const WIDEST_BAR = 20;

export class Follow {
  #applying = false;
  #position = RIGHT_SPACE;

  /** onChange(following) is called when the user leaves or regains the newest bar. */
  constructor(timeScale, onChange) {
    this.timeScale = timeScale;
    this.onChange = onChange;
    this.following = true;
    this.timeScale.subscribeVisibleLogicalRangeChange(this.#moved);
  }

  destroy() {
    this.timeScale.unsubscribeVisibleLogicalRangeChange(this.#moved);
  }

  /** Draws a chart of `count` bars that was not there before and shows its newest ones at a readable width. */
  fresh(draw, count) {
    this.#quietly(draw);
    const filling = this.timeScale.width() / (count + RIGHT_SPACE);
    this.timeScale.applyOptions({ barSpacing: Math.min(WIDEST_BAR, Math.max(BAR_SPACING, filling)) });
    this.resume();
  }

  /** Draws the same chart anew; a view into its past stays on the same times. */
  redraw(draw) {
    const past = this.following ? null : this.timeScale.getVisibleRange();
    this.#quietly(draw);
    if (past) this.timeScale.setVisibleRange(past);
    else this.#keepUp();
  }

  /** Draws changed and new bars. A view into the past is held in place by the chart itself. */
  update(draw) {
    this.#quietly(draw);
    if (this.following) this.#keepUp();
  }

  /** Back to the newest bar, at the width the user chose. */
  resume() {
    this.#position = RIGHT_SPACE;
    this.#keepUp();
    this.#set(true);
  }

  // The chart moves with its next frame, so its position just after new bars came is not the user's choice:
  // it is read only when the view moved by itself, and remembered.
  #keepUp() {
    this.timeScale.scrollToPosition(this.#position, false);
  }

  #quietly(draw) {
    this.#applying = true;
    try {
      draw();
    } finally {
      this.#applying = false;
    }
  }

  #moved = () => {
    if (this.#applying) return;
    this.#position = this.timeScale.scrollPosition();
    this.#set(this.#position > -1);
  };

  #set(following) {
    if (following === this.following) return;
    this.following = following;
    this.onChange(following);
  }
}
