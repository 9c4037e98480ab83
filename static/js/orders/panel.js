import { el, setText, show } from "../ui/dom.js";
import { SheetPanel } from "../workspace/sheet.js";
import { countWorking, listOrders } from "./listing.js";
import { COLUMNS, OrderRow } from "./row.js";

/** Open orders: what works, where it waits, and what has become of the others. */
export class OrdersPanel extends SheetPanel {
  name = "Orders";
  columns = COLUMNS;
  topics = ["orders", "queues", "asked", "positions", "connection"];
  none = "No orders.";
  about = "Orders stand here: those that work first, then those that are over.";

  makeHeader({ right }) {
    this.count = el("span", { class: "faint num sheet-count" });
    const cancelAll = () => this.remember(this.context.session.desk.cancelAll());
    this.cancelAll = el("button", { type: "button", class: "bare", "data-action": "cancel-all-orders", title: "Cancel every order", onclick: cancelAll }, "cancel all");
    right.append(this.count, this.cancelAll);
  }

  makeRow() {
    return new OrderRow({ asked: this.context.session.asked, onSent: (id, order) => this.remember(id, `#${order.number}: `) });
  }

  drawRows({ orders = new Map(), queues = {}, asked, positions = [], connection }) {
    const held = new Map(positions.map(({ contract, quantity }) => [contract, quantity]));
    const working = countWorking(orders);
    setText(this.count, working ? `${working} working` : "");
    show(this.cancelAll, working > 0);
    this.cancelAll.disabled = connection?.state !== "live";
    const draw = (row, { order, depth }) => row.update({ order, depth, queue: queues[order.id], wish: asked?.get(order.id), held: held.get(order.contract) ?? 0 }, this.format);
    this.rows.draw(listOrders(orders), ({ order }) => order.id, draw);
    return orders.size;
  }
}
