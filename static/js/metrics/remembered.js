/** Whether the pane of ranks was open, in this browser: a reload or another replay keeps it. */

const KEY = "futsim.ranks";

export function ranksWereOpen() {
  try {
    return window.localStorage.getItem(KEY) === "open";
  } catch {
    return false; // storage is blocked: then nothing is remembered
  }
}

export function rememberRanks(open) {
  try {
    window.localStorage.setItem(KEY, open ? "open" : "closed");
  } catch {
    // as above
  }
}
