/** What every page with a connection does as it is hidden, shown, left and logged out of. */

/** The address of a socket on this page's host. */
export function socketUrl(path) {
  const url = new URL(path, window.location.href);
  url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** To the login, and back here after it. */
export function toLogin(loginUrl) {
  const next = window.location.pathname + window.location.search;
  window.location.assign(`${loginUrl}?next=${encodeURIComponent(next)}`);
}

/** Keeps a session's connection as the page comes and goes. */
export function pageLife(session) {
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && session.retryNow());
  // else the socket's end would send the page back here with the next login, whoever that is
  document.addEventListener("submit", ({ target }) => target.matches("[data-logs-out]") && session.stop());
  window.addEventListener("online", () => session.retryNow());
  window.addEventListener("pagehide", () => session.stop());
  window.addEventListener("pageshow", (event) => event.persisted && session.start());
}
