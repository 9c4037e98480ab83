/**
 * Keeps the newest bar in view while the user looks at it, and leaves the view alone once he scrolled back.
 * The chart's own shifting is switched off for it: this also holds when bars are taken away (step back) and
 * when the whole chart is drawn anew.
 */

/** Pixels to the right of the newest bar. */
export const RIGHT_SPACE = 64;
const BAR_SPACING = 8;
const WIDEST_BAR = 40;

export class Follow {
  #applying = false;
  #position = 0;
  #count = 0;
  #fills = null;

  /** onChange(following) is called when the user leaves or regains the newest bar. */
  constructor(chart, onChange) {
    this.chart = chart;
    this.timeScale = chart.timeScale();
    this.onChange = onChange;
    this.following = true;
    this.timeScale.subscribeVisibleLogicalRangeChange(this.#moved);
  }

  destroy() {
    this.timeScale.unsubscribeVisibleLogicalRangeChange(this.#moved);
  }

  /** Draws a chart of `count` bars that was not there before and shows its newest ones at a readable width. */
  fresh(draw, count) {
    this.#quietly(draw, count);
    const filling = (this.timeScale.width() - RIGHT_SPACE) / count;
    const barSpacing = Math.min(WIDEST_BAR, Math.max(BAR_SPACING, filling));
    this.timeScale.applyOptions({ barSpacing });
    // the library uses it from its next frame on, and tells the old one until then
    this.#goHome(barSpacing);
  }

  /** Draws the same chart anew, of `count` bars now; a view into its past stays on the same times. */
  redraw(draw, count) {
    const past = this.following ? null : this.timeScale.getVisibleRange();
    this.#quietly(draw, count);
    if (past) this.timeScale.setVisibleRange(past);
    else this.#keepUp();
  }

  /** Draws changed and new bars, `count` in all. A view into the past is held in place by the chart itself. */
  update(draw, count) {
    this.#quietly(draw, count);
    if (this.following) this.#keepUp();
  }

  /** Back to the newest bar, at the width the user chose. */
  resume() {
    this.#goHome(this.timeScale.options().barSpacing);
  }

  #goHome(barSpacing) {
    this.#fit(barSpacing);
    this.#position = RIGHT_SPACE / barSpacing;
    this.#keepUp();
    this.#set(true);
  }

  // The chart moves with its next frame, so its position just after new bars came is not the user's choice:
  // it is read only when the view moved by itself, and remembered.
  #keepUp() {
    this.timeScale.scrollToPosition(this.#position, false);
  }

  /**
   * Nobody scrolls past the first bar. The library's own stop for it would push bars that do not fill the view
   * to the left; such a chart has nothing to scroll to, and stays on the right.
   */
  #fit(barSpacing) {
    const fills = this.#count * barSpacing + RIGHT_SPACE > this.timeScale.width();
    if (fills === this.#fills) return;
    this.#fills = fills;
    this.chart.applyOptions({ handleScroll: fills, timeScale: { fixLeftEdge: fills } });
  }

  #quietly(draw, count) {
    this.#applying = true;
    this.#count = count;
    try {
      draw();
    } finally {
      this.#applying = false;
    }
  }

  #moved = () => {
    if (this.#applying) return;
    this.#fit(this.timeScale.options().barSpacing);
    this.#position = this.timeScale.scrollPosition();
    this.#set(this.#position > -1);
  };

  #set(following) {
    if (following === this.following) return;
    this.following = following;
    this.onChange(following);
  }
}
