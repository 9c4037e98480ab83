import { PriceFormat } from "./price.js";

/** Money as the server writes it, dollars as text ("-1234.50"), computed with as BigInts of 1e-9 dollars. */

const DOLLARS = new PriceFormat({ tick: 1, decimals: 2 });
/** Between the thousands of a whole number, not among decimals. */
const THOUSANDS = /(?<=^−?\d+)(?=(\d{3})+(\.|$))/g;
const WRITTEN = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/** 1e-9 dollars of a plain amount as text, or null where it is none. */
export function nanosOfDollars(text) {
  const match = WRITTEN.exec(text);
  if (!match) return null;
  const [, sign, whole, fraction = ""] = match;
  const magnitude = BigInt(whole + fraction.padEnd(9, "0"));
  return sign ? -magnitude : magnitude;
}

/** "$50,000.00", "−$37.50" of dollars as text or of 1e-9 dollars: as the server's pages and words write money. */
export function moneyText(amount) {
  const text = DOLLARS.text(nanos(amount)).replace(THOUSANDS, ",");
  return text.startsWith("−") ? `−$${text.slice(1)}` : `$${text}`;
}

/** `moneyText` with a sign that is always there, but for nothing: "+$110.00". */
export function signedMoney(amount) {
  return (nanos(amount) > 0n ? "+" : "") + moneyText(amount);
}

/** "up", "down" or "" for the colour of an amount. */
export function directionOf(amount) {
  const value = nanos(amount);
  if (value === 0n) return "";
  return value > 0n ? "up" : "down";
}

function nanos(amount) {
  return typeof amount === "bigint" ? amount : nanosOfDollars(amount);
}
