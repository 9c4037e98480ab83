/** How far from the middle the last price may go, as a share of the rows, before an auto-centred ladder follows. */
const SLACK = 0.25;

/**
 * Which prices a ladder's rows show: `rows` of them from `top` downwards, in ticks. Prices go on for ever in both
 * directions, so there is nothing but this to scroll.
 */
export class PriceWindow {
  rows = 0;
  top = null;
  /** Whether it follows the last price. */
  follows = true;

  /** The index of a price's row, which may lie outside. */
  rowOf(price) {
    return this.top - price;
  }

  /** Another number of rows; the middle stays in the middle. */
  resize(rows) {
    if (this.top !== null) this.top += Math.round((rows - this.rows) / 2);
    this.rows = rows;
  }

  /** Keeps the price in sight where the window follows, and puts it in the middle where there is no window yet. */
  follow(price) {
    if (price === null) return;
    const away = this.top === null ? Infinity : Math.abs(this.rowOf(price) - (this.rows >> 1));
    if (this.top === null || (this.follows && away > this.rows * SLACK)) this.centre(price);
  }

  /** Puts a price in the middle. */
  centre(price) {
    if (price !== null) this.top = price + (this.rows >> 1);
  }

  /** Moves by rows, up (negative) or down, and stops following. */
  scroll(rows) {
    if (this.top === null || rows === 0) return;
    this.follows = false;
    this.top -= rows;
  }
}
