import { LineSeries, createTextWatermark } from "lightweight-charts";

import { BANDS, METRICS } from "../metrics/levels.js";
import { textMeasure } from "../ui/dom.js";
import { RankLines } from "./rank_lines.js";
import { chartFont } from "./theme.js";

const SHARE = 32;
/** Room above 100 for the names of the lines and the label of the highest band, as a share of the pane. */
const MARGINS = { top: 0.3, bottom: 0.04 };

/**
 * The ranks of all bars below the volume: a line for each metric, with bands at 80, 90 and 95. A closed bar's pending
 * rank is its rank, so the lines part at the forming bar only.
 */
export class RankPane {
  #lines = null;

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
    const lines = METRICS.map(({ key, pending }) => [key, this.chart.addSeries(LineSeries, this.#options(colors[key], pending), index)]);
    this.#lines = new RankLines(lines);
    const [, first] = lines[0];
    for (const { from, level } of BANDS) {
      const color = level === "top" ? this.colors.hot : this.colors.faint;
      first.createPriceLine({ price: from, color, lineWidth: 1, lineStyle: 2, axisLabelVisible: level !== "high", axisLabelColor: this.colors.label, axisLabelTextColor: this.colors.text });
    }
    first.priceScale().applyOptions({ scaleMargins: MARGINS });
    this.chart.panes()[index].setStretchFactor(SHARE);
    this.#name(this.chart.panes()[index], colors);
  }

  #name(pane, colors) {
    const [volume, range] = ["Vol Rank, ··· Pending", "Range Rank, ··· Pending"];
    const measure = textMeasure(chartFont(this.colors));
    // beside each other, above 100: the library puts the lines of one text below each other, in one colour each
    const space = "\u00a0".repeat(Math.ceil(measure(volume) / measure("\u00a0")) + 4);
    const text = (words, color) => {
      const lines = [{ text: words, color, fontSize: 10, lineHeight: 13, fontFamily: this.colors.font }];
      return createTextWatermark(pane, { horzAlign: "left", vertAlign: "top", lines });
    };
    this.names = [text(volume, colors.vr), text(`${space}${range}`, colors.rr)];
  }

  close() {
    for (const name of this.names ?? []) name.detach();
    for (const [, line] of this.#lines?.lines ?? []) this.chart.removeSeries(line);
    this.#lines = null;
  }

  /** A forecast is a short line of the forming bar, so its end is marked. */
  #options(color, pending) {
    return {
      color,
      lineWidth: pending ? 2 : 1,
      lineStyle: pending ? 1 : 0,
      priceLineVisible: false,
      // the line over the chart tells the forecast; its labels would push the bands' aside
      lastValueVisible: !pending,
      crosshairMarkerVisible: false,
      autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }),
      priceFormat: { type: "custom", minMove: 1, formatter: (value) => String(Math.round(value)) },
    };
  }

  /** ranks: those of closed bars, one growing object a chart; metrics: of the forming bar, or null. */
  draw(ranks, metrics) {
    this.#lines?.draw(ranks, metrics);
  }
}
