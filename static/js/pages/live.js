/** Entry of the live page: puts store, session, bar, windows and status line together. */

import { alertsHere } from "../alerts/here.js";
import { LiveBar } from "../live/bar.js";
import { LiveStatus } from "../live/status.js";
import { mouseKeepsFocus } from "../ui/dom.js";
import { FrameQueue } from "../ui/frame.js";
import { createDock, openLiveLayout } from "../workspace/dock.js";
import { LiveSession } from "../workspace/live_session.js";
import { Store } from "../workspace/store.js";
import { pageLife, socketUrl, toLogin } from "./life.js";

const page = document.getElementById("workspace");
const asset = document.getElementById("live-asset");
const { root, timeframe, loginUrl } = page.dataset;

const store = new Store();
const session = new LiveSession({ store, root, socketUrl: socketUrl("/ws/live/"), onLoggedOut: () => toLogin(loginUrl) });

function show(wanted) {
  asset.value = wanted;
  session.show(wanted);
  remember();
}

/** The address shows what the page shows, so that a reload, a bookmark and the way back bring it again. */
function remember() {
  const url = new URL(window.location.href);
  url.searchParams.set("asset", session.root);
  const shown = store.get("focus")?.timeframe;
  if (shown) url.searchParams.set("timeframe", shown);
  window.history.replaceState(null, "", url);
  document.title = `${session.root} · Live · futsim`;
}

function openOther(wanted) {
  show(wanted.root);
  session.setTimeframe(session.focusedChart(), wanted.timeframe);
}

const context = { store, session, alerts: alertsHere, frames: new FrameQueue(), reload: () => window.location.reload(), openOther };

openLiveLayout(createDock(document.getElementById("dock"), context), { timeframe });
new LiveBar().mount(document.getElementById("live-bar"), context);
for (const root of [document.getElementById("dock"), asset.parentElement]) mouseKeepsFocus(root);
new LiveStatus().mount(document.getElementById("status-line"), context);
asset.addEventListener("change", () => show(asset.value));
store.subscribe("focus", remember);
if (page.dataset.unknown) session.feed.note("warn", page.dataset.unknown);
alertsHere?.opensCharts((wanted) => {
  openOther(wanted);
  return null;
});
session.start();
pageLife(session);
