import { CandlestickSeries, HistogramSeries, createSeriesMarkers } from "lightweight-charts";

import { shortCount } from "../ui/price.js";
import { flawsOf, markId, rollsOf } from "./marks.js";

/** More changed bars than this at once are drawn anew, as after a tab was hidden for long. */
const DRAW_ANEW = 400;
const FLAW = "▲";
const PRICE_SHARE = 82;
const VOLUME_SHARE = 18;

/** The candles, the volume below them and the roll marks of one chart, fed from its `Bars`. */
export class ChartSeries {
  #drawn = { count: 0, last: -Infinity };

  constructor(chart, colors) {
    this.colors = colors;
    this.candles = chart.addSeries(CandlestickSeries, {
      upColor: colors.up,
      downColor: colors.down,
      wickUpColor: colors.up,
      wickDownColor: colors.down,
      borderVisible: false,
      priceLineVisible: false,
      lastValueVisible: false,
    });
    this.volume = chart.addSeries(HistogramSeries, { priceLineVisible: false, lastValueVisible: false }, 1);
    this.volume.applyOptions({ priceFormat: { type: "custom", minMove: 1, base: 1, formatter: shortCount } });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0 } });
    // the library's own label is that of the last bar in view; a trader needs the price of the playhead
    this.lastPrice = this.candles.createPriceLine({ price: 0, lineWidth: 1, lineStyle: 1, lineVisible: false, axisLabelVisible: false });
    this.lastVolume = this.volume.createPriceLine({ price: 0, lineVisible: false, axisLabelVisible: false });
    this.markers = createSeriesMarkers(this.candles, []);
    const [prices, volumes] = chart.panes();
    prices.setStretchFactor(PRICE_SHARE);
    volumes.setStretchFactor(VOLUME_SHARE);
  }

  /** Uses another asset's or another wire unit's prices from now on. */
  setScale(scale) {
    this.scale = scale;
    this.candles.applyOptions({ priceFormat: scale.priceFormat() });
  }

  /** Draws every bar anew. */
  reset(bars) {
    const indexes = Array.from({ length: bars.length }, (_, index) => index);
    this.candles.setData(indexes.map((index) => this.#candle(bars, index)));
    this.volume.setData(indexes.map((index) => this.#column(bars, index)));
    this.#finish(bars);
  }

  /** Draws the bars from index `from` on; they changed or are new. */
  update(bars, from) {
    if (!bars.goesOnFrom(from, this.#drawn) || bars.length - from > DRAW_ANEW) return this.reset(bars);
    for (let index = from; index < bars.length; index += 1) {
      this.candles.update(this.#candle(bars, index));
      this.volume.update(this.#column(bars, index));
    }
    return this.#finish(bars);
  }

  #finish(bars) {
    this.#drawn = { count: bars.length, last: bars.t.at(-1) ?? -Infinity };
    const bar = bars.at(bars.length - 1);
    const color = bar && bar.c < bar.o ? this.colors.down : this.colors.up;
    const shown = { color, axisLabelColor: color, axisLabelVisible: bar !== null };
    this.lastPrice.applyOptions({ ...shown, price: bar ? this.scale.toAxis(bar.c) : 0, lineVisible: bar !== null });
    this.lastVolume.applyOptions({ ...shown, price: bar ? bar.v : 0 });
  }

  /**
   * Puts the marks on the chart: rolls as dots, blue where complete, else orange; flaws as grey triangles below the
   * bar. labels: {mark, text, price} of the rolls that are labelled, `price` in wire units.
   */
  setMarks(marks, labels) {
    const dots = rollsOf(marks).map((mark) => ({ ...this.#marker(mark), position: "aboveBar", size: 0.7 }));
    const texts = labels.map(({ mark, text, price }) => ({
      ...this.#marker(mark),
      position: "atPriceTop",
      price: this.scale.toAxis(price),
      size: 0,
      text,
    }));
    const triangles = flawsOf(marks).map((mark) => ({
      ...this.#marker(mark),
      position: "belowBar",
      color: this.colors.faint,
      size: 0,
      text: FLAW,
    }));
    this.markers.setMarkers([...triangles, ...dots, ...texts].sort((a, b) => a.time - b.time));
  }

  #marker(mark) {
    return { id: markId(mark), time: mark.t, shape: "circle", color: mark.complete ? this.colors.accent : this.colors.hot };
  }

  #candle(bars, index) {
    const { scale } = this;
    return {
      time: bars.t[index],
      open: scale.toAxis(bars.o[index]),
      high: scale.toAxis(bars.h[index]),
      low: scale.toAxis(bars.l[index]),
      close: scale.toAxis(bars.c[index]),
    };
  }

  #column(bars, index) {
    const rising = bars.c[index] >= bars.o[index];
    return {
      time: bars.t[index],
      value: bars.v[index],
      color: rising ? this.colors.upDim : this.colors.downDim,
    };
  }
}
