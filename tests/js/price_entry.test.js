import assert from "node:assert/strict";
import { test } from "node:test";

import { PriceFormat } from "../../static/js/ui/price.js";
import { readPrice, stepPrice } from "../../static/js/ui/price_entry.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2, price_display: "decimal" });
const ZN = new PriceFormat({ tick: 15_625_000, decimals: 6, price_display: "32nds" });
const YEN = new PriceFormat({ tick: 500, decimals: 7, price_display: "decimal" });
const CL = new PriceFormat({ tick: 10_000_000, decimals: 2, price_display: "decimal" });

test("a price is read with spaces, commas or neither between its thousands", () => {
  for (const text of ["20184.25", "20 184.25", "20\u202f184.25", "20,184.25", " 20184.250 "]) {
    assert.deepEqual(readPrice(text, NQ), { ticks: 80_737 }, text);
  }
});

test("treasury prices are read as quotes and as decimals", () => {
  for (const text of ["110'165", "110-165", "110’165", "110.515625"]) assert.deepEqual(readPrice(text, ZN), { ticks: 7073 }, text);
  for (const text of ["110'16", "110'160", "110-16", "110.5"]) assert.deepEqual(readPrice(text, ZN), { ticks: 7072 }, text);
});

test("what a format writes it reads again, at every tick", () => {
  for (const format of [NQ, ZN, YEN, CL]) {
    for (let ticks = -300; ticks < 300; ticks += 1) {
      assert.deepEqual(readPrice(format.ofTicks(ticks), format), { ticks }, format.ofTicks(ticks));
      assert.deepEqual(readPrice(format.ofTicks(ticks, { group: true }), format), { ticks });
    }
  }
});

test("a price between two ticks names both", () => {
  assert.deepEqual(readPrice("20184.30", NQ), { problem: "Between two ticks: 20184.25 or 20184.50." });
  assert.deepEqual(readPrice("110'162", ZN), { problem: "Between two ticks: 110'160 or 110'165." });
  assert.deepEqual(readPrice("-0.015", CL), { problem: "Between two ticks: −0.02 or −0.01." });
});

test("what is no price is said to be none", () => {
  for (const text of ["", "abc", "1.2.3", "--1", "1e5", "110'325", "110'164", "0x10"]) {
    assert.match(readPrice(text, ZN).problem ?? "read", /Write a price such as/, text);
  }
  assert.match(readPrice("110'16", NQ).problem, /Write a price such as 1080\.25\./);
});

test("a step goes by ticks, and from between two to the next", () => {
  assert.equal(stepPrice("20184.25", 1, NQ), "20184.50");
  assert.equal(stepPrice("20184.25", -10, NQ), "20181.75");
  assert.equal(stepPrice("20184.30", 1, NQ), "20184.50");
  assert.equal(stepPrice("20184.30", -1, NQ), "20184.25");
  assert.equal(stepPrice("110'315", 1, ZN), "111'000");
  assert.equal(stepPrice("0.01", -2, CL), "−0.01");
  assert.equal(stepPrice("", 1, NQ), null);
});
