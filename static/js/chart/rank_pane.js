import { LineSeries } from "lightweight-charts";

import { BANDS, METRICS } from "../metrics/levels.js";
import { points } from "./points.js";

const SHARE = 22;

/**
 * The ranks of all bars below the volume: a line for each metric, with bands at 80, 90 and 95. A closed bar's pending
 * rank is its rank, so the lines part at the forming bar only.
 */
export class RankPane {
  #lines = null;
  #ranks = null;
  #drawn = 0;

  constructor(chart, colors) {
    Object.assign(this, { chart, colors });
  }

  get isOpen() {
    return this.#lines !== null;
  }

  open() {
    if (this.isOpen) return;
    const index = this.chart.panes().length;
    const colors = { vr: this.colors.accent, vp: this.colors.accent, rr: this.colors.hot, rp: this.colors.hot };
    this.#lines = METRICS.map(({ key, pending }) => {
      const line = this.chart.addSeries(LineSeries, this.#options(colors[key], pending), index);
      return [key, line];
    });
    const [, first] = this.#lines[0];
    for (const { from } of BANDS) first.createPriceLine({ price: from, color: this.colors.line, lineWidth: 1, lineStyle: 0, axisLabelVisible: false });
    this.chart.panes()[index].setStretchFactor(SHARE);
  }

  close() {
    for (const [, line] of this.#lines ?? []) this.chart.removeSeries(line);
    this.#lines = null;
    this.#ranks = null;
  }

  #options(color, dashed) {
    return {
      color,
      lineWidth: 1,
      lineStyle: dashed ? 1 : 0,
      priceLineVisible: false,
      lastValueVisible: !dashed,
      crosshairMarkerVisible: false,
      autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }),
      priceFormat: { type: "custom", minMove: 1, formatter: (value) => String(Math.round(value)) },
    };
  }

  /** ranks: those of closed bars, one growing object a chart; metrics: of the forming bar, or null. */
  draw(ranks, metrics) {
    if (!this.isOpen) return;
    const anew = ranks !== this.#ranks || ranks.length < this.#drawn;
    const from = anew ? 0 : this.#drawn;
    for (const [key, line] of this.#lines) {
      const found = points(ranks, metrics, key, from);
      if (anew) line.setData(found);
      else for (const point of found) line.update(point);
    }
    this.#ranks = ranks;
    this.#drawn = ranks.length;
  }
}
