import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces } from "../../static/js/log/pieces.js";

const kept = (line) => pieces(line).filter(({ keep }) => keep).map(({ text }) => text);

test("a date stays in one line with its contract or its time", () => {
  assert.deepEqual(kept("Front months from 2025-11-26 to 2026-03-18: NQZ5, NQH6 from 2025-12-16."), ["2025-11-26", "2026-03-18", "NQH6 from 2025-12-16"]);
  assert.deepEqual(kept("Opens 2026-03-22 18:00 ET."), ["2026-03-22 18:00 ET"]);
  assert.deepEqual(kept("The data ends here."), []);
});

test("a line is the same text as before", () => {
  for (const line of ["", "2026-03-18", "from 2026-03-18 on", "10 sessions"]) {
    assert.equal(pieces(line).map(({ text }) => text).join(""), line);
  }
});
