import { AlertsPanel } from "../alerts/panel.js";
import { ChartPanel } from "../chart/panel.js";
import { HistoryPanel } from "../history/panel.js";
import { LadderPanel } from "../ladder/panel.js";
import { LogPanel } from "../log/panel.js";
import { BoardPanel } from "../metrics/board.js";
import { MontagePanel } from "../montage/panel.js";
import { OrdersPanel } from "../orders/panel.js";
import { TicketPanel } from "../orders/ticket.js";
import { PositionsPanel } from "../positions/panel.js";
import { TapePanel } from "../tape/panel.js";

/**
 * The panels that the workspace can show. Each is a class with `mount(root, context)` and `destroy()`;
 * `context` has the store, the session's commands, the frame queue, the panel's id, params and header.
 */
export const PANELS = new Map();

/** Registers a panel: `name` stands in saved layouts and must never change. */
export function register(name, { title, Panel }) {
  if (PANELS.has(name)) throw new Error(`The panel ${name} is registered twice.`);
  PANELS.set(name, { name, title, Panel });
}

register("chart", { title: "Chart", Panel: ChartPanel });
register("log", { title: "Log", Panel: LogPanel });
register("board", { title: "Board", Panel: BoardPanel });
register("ladder", { title: "Ladder", Panel: LadderPanel });
register("tape", { title: "Time & Sales", Panel: TapePanel });
register("montage", { title: "Level 2", Panel: MontagePanel });
register("ticket", { title: "Ticket", Panel: TicketPanel });
register("orders", { title: "Orders", Panel: OrdersPanel });
register("positions", { title: "Positions", Panel: PositionsPanel });
register("history", { title: "History", Panel: HistoryPanel });
register("alerts", { title: "Alerts", Panel: AlertsPanel });
