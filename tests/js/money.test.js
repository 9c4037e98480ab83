import assert from "node:assert/strict";
import { test } from "node:test";

import { directionOf, moneyText, nanosOfDollars, signedMoney } from "../../static/js/ui/money.js";

test("dollars are exact, from text to 1e-9 and back", () => {
  assert.equal(nanosOfDollars("15.625"), 15_625_000_000n);
  assert.equal(nanosOfDollars("-0.05"), -50_000_000n);
  assert.equal(nanosOfDollars("500"), 500_000_000_000n);
  assert.equal(moneyText("15.625"), "$15.625");
  assert.equal(moneyText("100000.00"), "$100,000.00");
  assert.equal(moneyText("-6613.70"), "−$6,613.70");
  assert.equal(moneyText("1234567.890123"), "$1,234,567.890123");
});

test("what is no amount is none", () => {
  for (const text of ["", "x", "1,5", "+1", "1.", ".5", "1.0000000001"]) assert.equal(nanosOfDollars(text), null, text);
});

test("a sign stands before the dollar", () => {
  assert.equal(moneyText("-37.50"), "−$37.50");
  assert.equal(signedMoney("110.00"), "+$110.00");
  assert.equal(signedMoney("-110.00"), "−$110.00");
  assert.equal(signedMoney("0.00"), "$0.00");
});

test("the direction is that of the sign", () => {
  assert.deepEqual(["1.00", "-0.01", "0.00", "-0.00"].map(directionOf), ["up", "down", "", ""]);
});
