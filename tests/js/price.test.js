import assert from "node:assert/strict";
import { test } from "node:test";

import { PriceFormat, countText, nanosFromWire, shortCount } from "../../static/js/ui/price.js";
import { PriceScale } from "../../static/js/chart/price_scale.js";

const NQ = new PriceFormat({ tick: 250_000_000, decimals: 2, price_display: "decimal" });
const ZN = new PriceFormat({ tick: 15_625_000, decimals: 6, price_display: "32nds" });
const YEN = new PriceFormat({ tick: 500, decimals: 7, price_display: "decimal" });
const YM = new PriceFormat({ tick: 1_000_000_000, decimals: 0, price_display: "decimal" });
const CL = new PriceFormat({ tick: 10_000_000, decimals: 2, price_display: "decimal" });

const ticks = (format, count) => BigInt(count) * format.tick;

test("a price has its asset's decimals, always", () => {
  assert.equal(NQ.text(20_184_250_000_000n), "20184.25");
  assert.equal(NQ.text(20_184_000_000_000n), "20184.00");
  assert.equal(YM.text(44_123_000_000_000n), "44123");
});

test("thousands are set apart by a narrow space where asked for", () => {
  assert.equal(NQ.text(20_184_250_000_000n, { group: true }), "20\u202f184.25");
  assert.equal(CL.text(71_230_000_000n, { group: true }), "71.23");
});

test("the yen's seven decimals are exact at every tick", () => {
  assert.equal(YEN.text(ticks(YEN, 13087)), "0.0065435");
  assert.equal(YEN.text(ticks(YEN, 13088)), "0.0065440");
  for (let count = 12_000; count < 14_000; count += 1) {
    assert.equal(YEN.text(ticks(YEN, count)), `0.00${String(count * 5).padStart(5, "0")}`);
  }
});

test("treasury prices are 32nds with halves and quarters", () => {
  assert.equal(ZN.text(110_515_625_000n), "110'165");
  assert.equal(ZN.text(110_500_000_000n), "110'160");
  assert.equal(ZN.text(110_000_000_000n), "110'000");
  assert.equal(ZN.text(110_984_375_000n), "110'315");
  assert.equal(ZN.text(110_507_812_500n), "110'162");
  assert.equal(ZN.text(110_523_437_500n), "110'167");
});

test("a treasury price between the eighths of a 32nd is written in decimals", () => {
  assert.equal(ZN.text(110_500_000_001n), "110.500000001");
});

test("negative prices and changes carry a minus sign before all digits", () => {
  assert.equal(CL.text(-37_630_000_000n), "−37.63");
  assert.equal(CL.text(-10_000_000n), "−0.01");
  assert.equal(ZN.text(-515_625_000n), "−0'165");
  assert.equal(NQ.signed(-12_500_000_000n), "−12.50");
});

test("a change is signed unless it is nothing", () => {
  assert.equal(NQ.signed(178_250_000_000), "+178.25");
  assert.equal(NQ.signed(0), "0.00");
  assert.equal(ZN.signed(15_625_000), "+0'005");
});

test("a price finer than the decimals is not rounded away", () => {
  assert.equal(NQ.text(20_184_255_000_000n), "20184.255");
});

test("wire prices become 1e-9 units exactly, beyond what a number holds too", () => {
  assert.equal(nanosFromWire(80_737, 250_000_000), 20_184_250_000_000n);
  assert.equal(nanosFromWire(9_007_199_254_740_991, 1_000), 9_007_199_254_740_991_000n);
});

test("every tick goes to the chart's axis and back to the same text", () => {
  for (const [format, from] of [[NQ, 80_000], [ZN, 7_073], [YEN, 13_087], [CL, -3_763], [YM, 44_000]]) {
    const scale = new PriceScale(format, Number(format.tick));
    for (let value = from - 500; value < from + 500; value += 1) {
      assert.equal(scale.axisText(scale.toAxis(value)), scale.text(value));
    }
  }
});

test("an axis unit is twenty ticks, so that every label step of the library is a multiple of ten ticks", () => {
  const scale = new PriceScale(NQ, 250_000_000);
  assert.equal(scale.toAxis(80_020) - scale.toAxis(80_000), 1);
  const { base, minMove } = scale.priceFormat();
  assert.equal(base, 2);
  assert.equal(minMove, 0.5);
});

test("the crosshair names the nearest tick", () => {
  const scale = new PriceScale(NQ, 250_000_000);
  assert.equal(scale.axisText((80_737 + 0.4) / 20), "20184.25");
  assert.equal(scale.axisText((80_737 + 0.6) / 20), "20184.50");
});

test("a wire unit of several ticks is converted exactly", () => {
  const scale = new PriceScale(NQ, 1_000_000_000);
  assert.equal(scale.toAxis(20_184), 20_184 * 4 / 20);
  assert.equal(scale.axisText(scale.toAxis(20_184)), "20184.00");
});

test("a wire unit finer than the tick keeps prices between ticks", () => {
  const scale = new PriceScale(NQ, 1);
  assert.equal(scale.text(20_184_130_000_000), "20184.13");
  assert.equal(scale.axisText(scale.toAxis(20_184_250_000_000)), "20184.25");
  assert.equal(scale.toAxis(20_184_250_000_000), 80_737 / 20);
});

test("the change between two wire prices is exact", () => {
  const scale = new PriceScale(YEN, 500);
  assert.equal(scale.change(13_088, 13_087), "+0.0000005");
});

test("volumes are whole in the legend and short on the axis", () => {
  assert.equal(countText(98_431), "98\u202f431");
  assert.equal(countText(1_624), "1624");
  assert.equal(shortCount(624), "624");
  assert.equal(shortCount(1_624), "1.62K");
  assert.equal(shortCount(4_000), "4K");
  assert.equal(shortCount(999_999), "1M");
  assert.equal(shortCount(3_400_000), "3.4M");
});
