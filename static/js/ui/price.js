/**
 * Exact prices as text. A price is an integer of 1e-9 units (as in DBN); floats never take part in
 * what is shown, so 0.0065435 is "0.0065435" and never "0.006543499999".
 */

const NANOS = 1_000_000_000n;
const GROUP = "\u202f"; // narrow no-break space: 20 184.25
/** The third digit of a treasury quote, by eighths of a 32nd: 110'165 is 110 and 16.5/32. */
export const EIGHTHS = ["0", "1", "2", "3", "5", "6", "7", "8"];

const abs = (value) => (value < 0n ? -value : value);

/** Nanos of a wire price: an integer count of `unit`, which is itself an integer of 1e-9 price units. */
export function nanosFromWire(value, unit) {
  return BigInt(value) * BigInt(unit);
}

function grouped(digits) {
  return digits.length < 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, GROUP);
}

function decimalText(magnitude, decimals, group) {
  const whole = String(magnitude / NANOS);
  const fraction = String(magnitude % NANOS).padStart(9, "0").replace(/0+$/, "").padEnd(decimals, "0");
  return (group ? grouped(whole) : whole) + (fraction ? `.${fraction}` : "");
}

function thirtySecondsText(magnitude) {
  const eighths = (magnitude % NANOS) * 256n;
  if (eighths % NANOS !== 0n) return null;
  const count = Number(eighths / NANOS);
  const thirtySeconds = String(Math.floor(count / 8)).padStart(2, "0");
  return `${magnitude / NANOS}'${thirtySeconds}${EIGHTHS[count % 8]}`;
}

/** How one asset's prices are written. Built from the session: {tick, decimals, price_display}. */
export class PriceFormat {
  constructor({ tick, decimals, price_display: display = "decimal" }) {
    this.tick = BigInt(tick);
    this.decimals = decimals;
    this.display = display;
  }

  /** `nanos` (integer or BigInt) with the asset's decimals; more only where the price has more. */
  text(nanos, { group = false } = {}) {
    const value = BigInt(nanos);
    return (value < 0n ? "−" : "") + this.#magnitude(abs(value), group);
  }

  /** The price of so many ticks. */
  ofTicks(ticks, options) {
    return this.text(BigInt(ticks) * this.tick, options);
  }

  /** A price in ticks that may lie between two of them, as an average does: then with one decimal more than a price has. */
  ofAverage(ticks, options) {
    if (Number.isInteger(ticks)) return this.ofTicks(ticks, options);
    const step = 10 ** Math.max(0, 8 - this.decimals);
    return this.text(BigInt(Math.round((ticks * Number(this.tick)) / step)) * BigInt(step), options);
  }

  /** `text` with a sign that is always there: "+178.25", "−12.50", "0.00". */
  signed(nanos) {
    const value = BigInt(nanos);
    return (value > 0n ? "+" : "") + this.text(value);
  }

  #magnitude(value, group) {
    const quote = this.display === "32nds" ? thirtySecondsText(value) : null;
    return quote ?? decimalText(value, this.decimals, group);
  }
}

/** "1 624" */
export function countText(number) {
  return grouped(String(Math.round(number)));
}

/** "1.62K", "3.4M": for the narrow axis. */
export function shortCount(number) {
  const size = Math.abs(number);
  if (size >= 999_950) return `${trimmed(number / 1_000_000)}M`;
  if (size >= 1_000) return `${trimmed(number / 1_000)}K`;
  return String(Math.round(number));
}

function trimmed(number) {
  return number.toFixed(2).replace(/\.?0+$/, "");
}
