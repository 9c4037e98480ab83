/** Entry of the replay page: puts store, session, bar, windows and status line together. */

import { alertsHere } from "../alerts/here.js";
import { OpenForm } from "../replay/open_form.js";
import { ReplayBar } from "../replay/bar.js";
import { SessionPicker } from "../replay/session_picker.js";
import { StatusLine } from "../replay/status.js";
import { mouseKeepsFocus } from "../ui/dom.js";
import { FrameQueue } from "../ui/frame.js";
import { msFromNs } from "../ui/time.js";
import { createDock, openDefaultLayout } from "../workspace/dock.js";
import { ReplaySession } from "../workspace/session.js";
import { Store } from "../workspace/store.js";
import { pageLife, socketUrl, toLogin } from "./life.js";

const page = document.getElementById("workspace");
const { sessionId, loginUrl, timeframe, accountName, accountUrl } = page.dataset;

const store = new Store();
const session = new ReplaySession({ store, socketUrl: sessionId ? socketUrl(`/ws/replay/${sessionId}/`) : null, onLoggedOut: () => toLogin(loginUrl) });
const form = new OpenForm();
const openOther = ({ root, timeframe }) => form.submit({ root, timeframe, playhead: store.get("clock")?.playhead, lookback: store.get("session")?.lookback_days });
const account = accountUrl ? { name: accountName, url: accountUrl } : null;
/** The chart of an alert; a replay has one asset. null, or why it is not shown. */
function showHere({ root, timeframe }) {
  const shown = store.get("session")?.root;
  if (root !== shown) return shown ? `This replay is of ${shown}. Click to see ${root} live.` : `No replay is open. Click to see ${root} live.`;
  session.setTimeframe(session.focusedChart(), timeframe);
  return null;
}

const context = { account, store, session, alerts: alertsHere, frames: new FrameQueue(), reload: () => form.submit(), openOther };

form.mount(document.getElementById("open-form"));
new SessionPicker().mount(document.getElementById("open-form"), (url, target) => window.htmx.ajax("GET", url, { target, swap: "innerHTML" }));
openDefaultLayout(createDock(document.getElementById("dock"), context), { timeframe });
new ReplayBar().mount(document.getElementById("replay-bar"), context);
mouseKeepsFocus(document.getElementById("dock"));
new StatusLine().mount(document.getElementById("status-line"), context);
alertsHere?.opensCharts(showHere);
if (alertsHere) store.subscribe("clock", ({ playhead }) => alertsHere.reached(msFromNs(playhead)));
session.start();
pageLife(session);
