import { el, setAttribute, setText } from "../ui/dom.js";
import { directionOf, signedMoney } from "../ui/money.js";
import { SheetPanel } from "../workspace/sheet.js";
import { COLUMNS, PositionRow } from "./row.js";

/** Positions: what is held, what it is worth now, what it has brought, and the ways out. */
export class PositionsPanel extends SheetPanel {
  name = "Positions";
  columns = COLUMNS;
  topics = ["positions", "account"];
  none = "You are flat.";
  about = "Positions stand here, each in its contract's own prices.";

  makeHeader({ right }) {
    this.open = right.appendChild(el("span", { class: "num", title: "Open P&L of all positions" }));
  }

  makeRow() {
    return new PositionRow({ desk: this.context.session.desk, onSent: (id) => this.remember(id) });
  }

  drawRows({ positions = [], account }) {
    const isHolding = positions.some(({ quantity }) => quantity !== 0);
    setText(this.open, isHolding ? `open ${signedMoney(account.open)}` : "");
    setAttribute(this.open, "data-direction", isHolding ? directionOf(account.open) : "");
    this.rows.draw(positions, ({ contract }) => contract, (row, position) => row.update(position, this.format));
    return positions.length;
  }
}
