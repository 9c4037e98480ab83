/** What is said beside the metrics of a bar in progress. */

/** How much of the bar is over at the playhead, 0 to 1; length: its seconds. */
export function shareOver({ t, length }, clock) {
  if (!clock || !length) return null;
  const now = Number(BigInt(clock.playhead) / 1_000_000n) / 1000;
  return Math.min(1, Math.max(0, (now - t) / length));
}

/** What keeps the sample from being whole: {stored, wanted, job}; empty where nothing does. */
export function lookbackNote(lookback) {
  if (!lookback) return "";
  const { stored, wanted, job } = lookback;
  if (job?.state === "asking") return `${wanted - stored} more sessions cost about ${job.cost}`;
  if (job && job.state !== "done") return `fetching ${wanted - stored} sessions${job.total ? ` ${Math.floor((job.done / job.total) * 100)} %` : ""}`;
  return stored < wanted ? `${stored} of ${wanted} sessions ready` : "";
}
