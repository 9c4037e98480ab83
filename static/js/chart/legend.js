import { TIMEFRAMES } from "../net/protocol.js";
import { el, setAttribute, setText, show } from "../ui/dom.js";
import { countText } from "../ui/price.js";
import { gradeOf } from "../workspace/grades.js";
import { rollCount, shownPrices } from "./rolls.js";

const WORDS = { O: "Open", H: "High", L: "Low", C: "Close", V: "Volume: contracts traded in this bar" };

/** A select of the nine timeframes. */
export function timeframeSelect(onChange) {
  const select = el("select", { class: "bare", "aria-label": "Timeframe of this chart", title: "Timeframe of this chart (keys 1 to 9)" });
  select.append(...TIMEFRAMES.map((timeframe) => el("option", { value: timeframe }, timeframe)));
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

/** The one line over the chart: contract's name, timeframe, and the bar under the crosshair or the last one. */
export class Legend {
  constructor({ left, right }, { onTimeframe, onRanks }) {
    this.name = el("span", { class: "legend-name" });
    this.shifted = el("span", { class: "legend-shifted", hidden: true });
    this.timeframe = timeframeSelect(onTimeframe);
    this.values = Object.fromEntries([..."OHLC"].map((letter) => [letter, el("b", { class: `num ${WORDS[letter].toLowerCase()}` })]));
    this.change = el("b", { class: "num", title: "Change from the open to the close of this bar" });
    this.volume = el("b", { class: "num" });
    this.bar = el("span", { class: "legend-bar", hidden: true });
    for (const [letter, value] of Object.entries(this.values)) this.bar.append(el("span", { title: WORDS[letter] }, letter, " ", value));
    this.bar.append(this.change, el("span", { title: WORDS.V }, "V ", this.volume));
    this.grade = el("span");
    this.space = el("span");
    this.rolls = el("span", { title: "A roll is where the chart goes on with the next contract; point at its dot for more" });
    this.ranks = el("button", { type: "button", class: "bare", "data-action": "ranks", "aria-pressed": "false", title: "Show the ranks of all bars in a pane of their own", onclick: onRanks }, "ranks");
    right.append(this.ranks, el("span", { class: "legend-origin" }, this.grade, this.space, this.rolls));
    left.append(this.shifted, this.name, this.timeframe, this.bar);
  }

  setName(name) {
    setText(this.name, name);
  }

  /** Says so when `current`, the contract at the playhead, is not the one whose prices the chart shows. */
  setContract({ current, session, marks }) {
    const told = shownPrices(marks, session.entry_contract, current);
    show(this.shifted, told !== null);
    if (told === null) return;
    setText(this.shifted, `· ${told.text}`);
    this.shifted.title = told.title;
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

  /** Where the chart's prices come from: grade of the session at the playhead, entry contract, rolls. */
  setOrigin({ session, clock, marks }) {
    const contract = session.entry_contract;
    const grade = gradeOf(clock);
    setText(this.grade, grade.text);
    setAttribute(this.grade, "title", grade.title);
    setText(this.space, contract ? `prices of ${contract}` : "");
    this.space.title = `The prices are those of ${contract}. Where the chart shows another contract, its prices are shifted by the difference at the roll.`;
    setText(this.rolls, contract ? rollCount(marks) : "");
  }
}
