import { EIGHTHS } from "./price.js";

/** Prices as people type them: 20184.25, 20 184.25, 110'165, 110-16, 110.515625. */

const NANOS = 1_000_000_000n;
const DECIMAL = /^([-−]?)(\d+)(?:\.(\d{0,9}))?$/;
const QUOTE = /^([-−]?)(\d+)['’-](\d{2})(\d?)$/;

/** What was typed, as {ticks}, or {problem} in words. */
export function readPrice(text, format) {
  const nanos = readNanos(text, format);
  if (nanos === null) return { problem: `Write a price such as ${example(format)}.` };
  if (nanos % format.tick === 0n) return { ticks: Number(nanos / format.tick) };
  const below = floorDivide(nanos, format.tick);
  return { problem: `Between two ticks: ${format.ofTicks(below)} or ${format.ofTicks(below + 1n)}.` };
}

/** A typed price moved by whole ticks, as it is written; one between two ticks goes to the next in that direction. */
export function stepPrice(text, ticks, format) {
  const nanos = readNanos(text, format);
  if (nanos === null) return null;
  const below = floorDivide(nanos, format.tick);
  const isBetween = nanos % format.tick !== 0n;
  return format.ofTicks(below + BigInt(ticks) + (isBetween && ticks < 0 ? 1n : 0n));
}

function readNanos(text, format) {
  const typed = text.replace(/[\s\u202f,]/g, "");
  return (format.display === "32nds" ? quoteNanos(typed) : null) ?? decimalNanos(typed);
}

function decimalNanos(typed) {
  const match = DECIMAL.exec(typed);
  if (!match) return null;
  const [, sign, whole, fraction = ""] = match;
  return signed(sign, BigInt(whole) * NANOS + BigInt(fraction.padEnd(9, "0")));
}

function quoteNanos(typed) {
  const match = QUOTE.exec(typed);
  if (!match) return null;
  const [, sign, whole, thirtySeconds, digit] = match;
  const eighths = EIGHTHS.indexOf(digit || "0");
  if (eighths < 0 || Number(thirtySeconds) > 31) return null;
  return signed(sign, BigInt(whole) * NANOS + (BigInt(Number(thirtySeconds) * 8 + eighths) * NANOS) / 256n);
}

function signed(sign, magnitude) {
  return sign ? -magnitude : magnitude;
}

function floorDivide(value, by) {
  const quotient = value / by;
  return value < 0n && value % by !== 0n ? quotient - 1n : quotient;
}

function example(format) {
  return format.display === "32nds" ? "110'165" : format.ofTicks(4321);
}
