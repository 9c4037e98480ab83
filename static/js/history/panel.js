import { el, setText } from "../ui/dom.js";
import { countText } from "../ui/price.js";
import { SheetPanel } from "../workspace/sheet.js";
import { listFills } from "./listing.js";
import { COLUMNS, FillRow } from "./row.js";

const MOST = 500;
const SIDES = [["all", "all"], ["buy", "buys"], ["sell", "sells"]];

/** Trade history: every execution of this take, the newest on top, and why it was one. */
export class HistoryPanel extends SheetPanel {
  name = "Executions";
  columns = COLUMNS;
  topics = ["fills"];
  none = "No executions.";
  about = "Executions stand here, each with the reason why it was one.";

  makeHeader({ right }) {
    this.count = el("span", { class: "faint num sheet-count" });
    const options = SIDES.map(([value, text]) => el("option", { value }, text));
    this.side = el("select", { class: "bare", name: "side", "aria-label": "Executions of this side", onchange: () => this.redraw() }, ...options);
    right.append(this.count, this.side);
  }

  makeRow() {
    return new FillRow();
  }

  drawRows({ fills = [] }) {
    const listed = listFills(fills, this.side.value, MOST);
    setText(this.count, countOf(listed.length));
    if (fills.length) setText(this.empty, "None of this side.");
    this.rows.draw(listed, ({ number }) => number, (row, fill) => row.update(fill, this.format));
    return listed.length;
  }
}

function countOf(count) {
  if (count === 0) return "";
  return count === 1 ? "1 execution" : `${countText(count)} executions`;
}
