import { createChartEx, defaultHorzScaleBehavior } from "lightweight-charts";

import { MetricsStrip } from "../metrics/strip.js";
import { lookbackNote, shareOver } from "../metrics/forming.js";
import { ranksWereOpen, rememberRanks } from "../metrics/remembered.js";
import { el, setAttribute, show, textMeasure } from "../ui/dom.js";
import { attempt } from "../ui/frame.js";
import { PriceFormat } from "../ui/price.js";
import { Subscriptions } from "../workspace/store.js";
import { Follow } from "./follow.js";
import { Legend } from "./legend.js";
import { flawDetails, flawsOf, markId, rollsOf } from "./marks.js";
import { Own } from "./own.js";
import { PriceScale } from "./price_scale.js";
import { RankPane } from "./rank_pane.js";
import { heightAround, labelsWithRoom } from "./roll_labels.js";
import { rollDetails, rollText } from "./rolls.js";
import { ChartSeries } from "./series.js";
import { Stage } from "./stage.js";
import { chartColors, chartFont, chartOptions } from "./theme.js";
import { etScaleBehavior, etScaleOptions } from "./time_scale.js";
import { Tooltip } from "./tooltip.js";

const TOPICS = ["session", "job", "connection", "clock", "lookback", "feed", "orders", "fills", "positions", "asked", "ticket"];

/** One chart on the session's playhead. Its id in the protocol is the id of its panel. */
export class ChartPanel {
  #timeframe = null;
  #from = Infinity;
  #pending = null; // "reset" or "update": what the next frame draws
  #scaleKey = "";
  #hovered = null;
  #marks = [];
  #markScale = null;
  #markKey = "";

  mount(root, context) {
    this.context = context;
    this.id = context.panelId;
    this.root = el("div", { class: "chart-panel" });
    this.strip = new MetricsStrip(this.root);
    this.canvas = this.root.appendChild(el("div", { class: "chart-canvas" }));
    root.append(this.root);
    this.legend = new Legend(context.header, {
      onTimeframe: (timeframe) => context.session.setTimeframe(this.id, timeframe),
      onRanks: () => this.#toggleRanks(),
    });
    this.stage = new Stage(this.root, {
      onRetry: context.reload,
      onApprove: (job) => context.session.approve(job),
      onCancel: (job) => context.session.cancelLoad(job),
    });
    this.tooltip = new Tooltip(this.root);
    this.#createChart();
    this.#createOwn();
    this.#createFollow();
    this.root.addEventListener("pointerdown", () => context.session.focus(this.id));
    this.#subscribe();
    this.legend.setTimeframe(context.params.timeframe);
    context.session.openChart(this.id, context.params.timeframe);
    if (ranksWereOpen()) this.#toggleRanks();
    context.frames.request(this.#draw);
  }

  destroy() {
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.context.session.closeChart(this.id);
    this.own.destroy();
    this.follow.destroy();
    this.chart.remove();
    this.root.remove();
  }

  #createChart() {
    const colors = chartColors();
    const timeframe = () => this.#timeframe;
    const Behavior = etScaleBehavior(defaultHorzScaleBehavior(), timeframe);
    this.chart = createChartEx(this.canvas, new Behavior(), chartOptions(colors));
    this.chart.applyOptions(etScaleOptions(timeframe));
    this.series = new ChartSeries(this.chart, colors);
    this.rankPane = new RankPane(this.chart, colors);
    this.measure = textMeasure(chartFont(colors));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.context.frames.request(this.#draw));
    this.chart.subscribeCrosshairMove((event) => this.#pointed(event));
  }

  #createOwn() {
    const { context, chart, canvas } = this;
    const redraw = () => context.frames.request(this.#draw);
    this.own = new Own({ context, chart, candles: this.series.candles, canvas, colors: chartColors(), redraw });
  }

  #createFollow() {
    this.button = el(
      "button",
      { type: "button", class: "follow", hidden: true, "data-action": "follow", title: "Back to the newest bar, and follow it" },
      "⇥ follow",
    );
    this.root.append(this.button);
    this.follow = new Follow(this.chart, (following) => show(this.button, !following));
    this.button.addEventListener("click", () => this.follow.resume());
  }

  #subscribe() {
    const { store, frames } = this.context;
    const redraw = () => frames.request(this.#draw);
    this.subscriptions = new Subscriptions(store);
    this.subscriptions.add(`bars:${this.id}`, (change) => this.#barsChanged(change));
    for (const topic of [`marks:${this.id}`, `ranks:${this.id}`, `metrics:${this.id}`, ...TOPICS]) this.subscriptions.add(topic, redraw);
    this.subscriptions.add("sought", () => this.follow.resume());
    this.subscriptions.add("focus", (focus) => {
      this.root.classList.toggle("focused", focus?.chart === this.id);
      if (focus?.chart === this.id && focus.timeframe) this.legend.setTimeframe(focus.timeframe);
    });
  }

  #barsChanged(change) {
    if (change.reset || this.#pending === null && this.#timeframe === null) this.#pending = "reset";
    else this.#pending ??= "update";
    this.#from = Math.min(this.#from, change.from);
    this.context.frames.request(this.#draw);
  }

  /** The newest of everything, once per animation frame. */
  #draw = () => {
    const { store, session: commands, header } = this.context;
    const [session, clock, chart] = ["session", "clock", `bars:${this.id}`].map((topic) => store.get(topic));
    const marks = store.get(`marks:${this.id}`) ?? [];
    this.stage.update({
      exists: commands.exists,
      session,
      job: store.get("job"),
      connection: store.get("connection"),
      bars: chart?.bars,
      feed: store.get("feed"),
    });
    if (!session) return;
    header.setTitle(clock?.contract || session.root);
    this.legend.setName(session.name);
    this.legend.setContract({ current: clock?.contract, session, marks: rollsOf(marks) });
    this.legend.setOrigin({ session, clock, marks: rollsOf(marks) });
    if (!chart) return;
    this.#useScale(session, chart.unit);
    this.#drawBars(chart);
    this.#drawMarks(marks, chart.bars);
    this.#drawLegend(chart.bars);
    attempt(this.#drawRanks);
    attempt(this.#drawOwn);
  };

  #useScale(session, unit) {
    const key = [session.tick, session.decimals, session.price_display, unit].join();
    if (key === this.#scaleKey) return;
    this.#scaleKey = key;
    this.scale = new PriceScale(new PriceFormat(session), unit);
    this.series.setScale(this.scale);
    this.#pending = "reset";
  }

  #drawBars({ bars, timeframe }) {
    if (this.#pending === null) return;
    const from = this.#from;
    const how = this.#pending;
    this.#pending = null;
    this.#from = Infinity;
    if (timeframe !== this.#timeframe) {
      this.#timeframe = timeframe;
      this.legend.setTimeframe(timeframe);
      this.follow.fresh(() => this.series.reset(bars), bars.length);
    } else if (how === "reset") this.follow.redraw(() => this.series.reset(bars), bars.length);
    else this.follow.update(() => this.series.update(bars, from), bars.length);
  }

  #drawMarks(marks, bars) {
    const labels = this.#rollLabels(rollsOf(marks), bars);
    const key = labels.map(({ text, price }) => `${text} ${price}`).join();
    if (marks === this.#marks && this.scale === this.#markScale && key === this.#markKey) return;
    this.#marks = marks;
    this.#markScale = this.scale;
    this.#markKey = key;
    this.series.setMarks(marks, labels);
  }

  #rollLabels(marks, bars) {
    const timeScale = this.chart.timeScale();
    const { barSpacing } = timeScale.options();
    const labels = marks.flatMap((mark) => {
      const index = bars.indexOf(mark.t);
      const text = rollText(mark, this.scale.format);
      const width = this.measure(text);
      const x = index < 0 ? null : timeScale.timeToCoordinate(mark.t);
      return x === null ? [] : [{ mark, text, x, width, price: heightAround(bars, index, width / 2 / barSpacing) }];
    });
    return labelsWithRoom(labels, timeScale.width());
  }

  #drawLegend(bars) {
    const index = this.#hovered === null ? bars.length - 1 : bars.indexOf(this.#hovered);
    this.legend.setBar(bars.at(index) ?? bars.at(bars.length - 1), this.scale);
  }

  /** Over the chart those of the bar that the legend tells of; in the pane those of all. */
  #drawRanks = () => {
    const { store } = this.context;
    const { bars } = store.get(`bars:${this.id}`);
    const ranks = store.get(`ranks:${this.id}`);
    const metrics = store.get(`metrics:${this.id}`) ?? null;
    // a bar in progress that nobody has traded in is not drawn yet
    const time = this.#hovered ?? Math.max(bars.t.at(-1) ?? 0, metrics?.t ?? 0);
    const final = ranks?.at(ranks.indexOf(time)) ?? null;
    const shown = final ? { ...final, vp: final.vr, rp: final.rr } : metrics?.t === time || this.#hovered === null ? metrics : null;
    const share = final || shown === null ? null : shareOver(shown, store.get("clock"));
    this.strip.update({ metrics: shown, share, note: shown === null && bars.length > 1 && ranks?.length === 0 ? "computing ranks" : lookbackNote(store.get("lookback")) });
    if (ranks) this.rankPane.draw(ranks, metrics);
  };

  #drawOwn = () => this.own.draw({ scale: this.scale, chart: this.context.store.get(`bars:${this.id}`) });

  #toggleRanks() {
    if (this.rankPane.isOpen) this.rankPane.close();
    else this.rankPane.open();
    setAttribute(this.legend.ranks, "aria-pressed", this.rankPane.isOpen);
    rememberRanks(this.rankPane.isOpen);
    this.context.frames.request(this.#draw);
  }

  /** The tooltip of what is drawn under this id, or null. */
  #detailsOf(id) {
    const mark = this.#marks.find((each) => markId(each) === id);
    if (mark === undefined) return this.own.detailsOf(id);
    if (flawsOf([mark]).length === 0) return rollDetails(mark, this.scale.format);
    return flawDetails(mark, this.context.store.get("session").synthetic ? "The stand-in" : "Databento");
  }

  #pointed({ time, point, hoveredInfo, hoveredObjectId }) {
    this.#hovered = time ?? null;
    const id = hoveredInfo?.objectId ?? hoveredObjectId;
    const details = id === undefined ? null : this.#detailsOf(id);
    if (details && point) this.tooltip.show(details, point);
    else this.tooltip.hide();
    this.context.frames.request(this.#draw);
  }
}
