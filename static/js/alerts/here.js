/** The alerts of this page: one for all modules of it; null where nobody is logged in. */

import { ListeningSocket } from "../net/listening_socket.js";
import { pageLife, socketUrl } from "../pages/life.js";
import { PageAlerts } from "./page.js";

function begin(root) {
  if (root === null) return null;
  const replay = document.getElementById("workspace")?.dataset.sessionId || null;
  const page = new PageAlerts({ root, replay, Socket: ListeningSocket, socketUrl: socketUrl("/ws/alerts/") });
  page.start();
  const { socket } = page;
  pageLife({ start: () => socket.open(), stop: () => socket.close(), retryNow: () => socket.retryNow() });
  return page;
}

export const alertsHere = begin(document.getElementById("alerts"));
