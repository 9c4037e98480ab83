import { el, setAttribute, setText, show } from "../ui/dom.js";
import { METRICS, MIN_SAMPLE, shownRank } from "./levels.js";

/** The line of the four metrics over a chart: of the forming bar, or of the bar under the crosshair. */
export class MetricsStrip {
  constructor(root) {
    this.cells = new Map(METRICS.map((metric) => [metric.key, cell(metric)]));
    this.sample = el("span", { class: "metrics-sample num" });
    this.root = el("div", { class: "metrics-strip", role: "group", "aria-label": "How unusual this bar is", hidden: true });
    this.root.append(...[...this.cells.values()].map(({ root: each }) => each), this.sample);
    root.append(this.root);
  }

  /**
   * metrics: {vr, vp, rr, rp, n} with null for what is not known, or null where there is nothing to say;
   * vpe and rpe in them: the points by which a forecast usually misses;
   * share: how much of the bar is over, 0 to 1, null for a bar that is; note: words on what is missing.
   */
  update({ metrics, share, note }) {
    show(this.root, metrics !== null || note !== "");
    const n = metrics?.n ?? 0;
    for (const { key, pending } of METRICS) this.#fill(this.cells.get(key), metrics?.[key] ?? null, n, pending ? metrics?.[`${key}e`] : null);
    setText(this.sample, [n ? `n = ${n}` : "", metrics && share !== null ? `${Math.floor(share * 100)} % of bar` : "", note].filter(Boolean).join(" · "));
  }

  #fill({ root, value, meter }, rank, n, error) {
    const shown = shownRank(rank, n);
    setText(value, shown.level !== "none" && error >= 1 ? `${shown.text} ±${Math.round(error)}` : shown.text);
    setAttribute(root, "data-level", shown.level);
    setAttribute(value, "title", shown.note);
    meter.style.width = `${n >= MIN_SAMPLE && rank !== null ? rank : 0}%`;
  }
}

function cell({ key, label, title }) {
  const value = el("b", { class: "num", "data-metric": key });
  const meter = el("span", { class: "metric-fill" });
  const root = el("span", { class: "metric" }, el("span", { class: "metric-name", title }, label), value, el("span", { class: "metric-meter", "aria-hidden": "true" }, meter));
  return { root, value, meter };
}
