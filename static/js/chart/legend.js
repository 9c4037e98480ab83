import { TIMEFRAMES } from "../net/protocol.js";
import { el, setText } from "../ui/dom.js";
import { countText } from "../ui/price.js";
import { rollCount } from "./rolls.js";

/** A select of the nine timeframes. */
export function timeframeSelect(onChange) {
  const select = el("select", { class: "bare", "aria-label": "Timeframe of this chart", title: "Timeframe of this chart (keys 1 to 9)" });
  select.append(...TIMEFRAMES.map((timeframe) => el("option", { value: timeframe }, timeframe)));
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

/** The one line over the chart: contract's name, timeframe, and the bar under the crosshair or the last one. */
export class Legend {
  constructor({ left, right }, onTimeframe) {
    this.name = el("span", { class: "legend-name" });
    this.timeframe = timeframeSelect(onTimeframe);
    this.values = Object.fromEntries(["O", "H", "L", "C"].map((letter) => [letter, el("b", { class: "num" })]));
    this.change = el("b", { class: "num", title: "Close less open of this bar" });
    this.volume = el("b", { class: "num" });
    this.bar = el("span", { class: "legend-bar", hidden: true });
    for (const [letter, value] of Object.entries(this.values)) this.bar.append(el("span", {}, letter, " ", value));
    this.bar.append(this.change, el("span", {}, "V ", this.volume));
    this.origin = right.appendChild(el("span", { class: "legend-origin" }));
    left.append(this.name, this.timeframe, this.bar);
  }

  setName(name) {
    setText(this.name, name);
  }

  setTimeframe(timeframe) {
    this.timeframe.value = timeframe;
  }

  /** The bar {o, h, l, c, v} in wire units, or null. */
  setBar(bar, scale) {
    this.bar.hidden = bar === null;
    if (bar === null) return;
    for (const letter of "OHLC") setText(this.values[letter], scale.text(bar[letter.toLowerCase()], { group: true }));
    setText(this.change, scale.change(bar.c, bar.o));
    this.change.className = `num ${bar.c >= bar.o ? "up" : "down"}`;
    setText(this.volume, countText(bar.v));
  }

  /** Where the chart's prices come from: grade, entry contract, rolls. */
  setOrigin({ session, marks }) {
    const contract = session.entry_contract;
    const space = contract ? `entry price space ${contract}` : null;
    const parts = [session.grade && `grade: ${session.grade}`, space, rollCount(marks)];
    setText(this.origin, parts.filter(Boolean).join(" · "));
    this.origin.title = `Prices of other contracts are shifted into those of ${contract ?? "the entry contract"}.`;
  }
}
