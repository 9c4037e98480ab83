import { el, setText, show } from "../ui/dom.js";
import { SheetPanel } from "../workspace/sheet.js";
import { countWorking, listOrders } from "./listing.js";
import { COLUMNS, OrderRow } from "./row.js";

/** Open orders: what works, where it waits, and what has become of the others. */
export class OrdersPanel extends SheetPanel {
  name = "Orders";
  columns = COLUMNS;
  topics = ["orders", "queues"];
  none = "No orders.";
  about = "Orders stand here: those that work first, then those that are over.";

  makeHeader({ right }) {
    this.count = el("span", { class: "faint num sheet-count" });
    const cancelAll = () => this.remember(this.context.session.desk.cancelAll());
    this.cancelAll = el("button", { type: "button", class: "bare", "data-action": "cancel-all-orders", title: "Cancel every order", onclick: cancelAll }, "cancel all");
    right.append(this.count, this.cancelAll);
  }

  makeRow() {
    return new OrderRow({ desk: this.context.session.desk, onSent: (id, order) => this.remember(id, `#${order.number}: `) });
  }

  drawRows({ orders = new Map(), queues = {} }) {
    const working = countWorking(orders);
    setText(this.count, working ? `${working} working` : "");
    show(this.cancelAll, working > 0);
    this.rows.draw(listOrders(orders), ({ order }) => order.id, (row, item) => row.update(item, queues[item.order.id], this.format));
    return orders.size;
  }
}
