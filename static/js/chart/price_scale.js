/**
 * Prices on the chart's own axis. The chart library works in floats and chooses label steps of 1, 2, 2.5,
 * 4 or 5 times a power of ten of whatever unit it is fed. Fed in units of 20 ticks with a smallest move of
 * half a unit, every step it can choose (10, 20, 40, 50, 80, 100 … ticks) is a multiple of 10 ticks. In
 * units of 10 ticks it could not be so: 2.5 units would label every 25 ticks.
 */

import { nanosFromWire } from "../ui/price.js";

const TICKS_PER_UNIT = 20;
const SMALLEST_MOVE = 0.5;

export class PriceScale {
  /**
   * format: the asset's `PriceFormat`. unit: the wire's price unit in 1e-9 price units, usually the tick.
   */
  constructor(format, unit) {
    this.format = format;
    this.unit = BigInt(unit);
    this.#wholeTicks = this.unit % format.tick === 0n;
    this.#ticksPerValue = this.#wholeTicks ? Number(this.unit / format.tick) : null;
  }

  #wholeTicks;
  #ticksPerValue;

  /** A wire price as a height on the axis. */
  toAxis(value) {
    if (this.#wholeTicks) return (value * this.#ticksPerValue) / TICKS_PER_UNIT;
    const nanos = nanosFromWire(value, this.unit);
    const ticks = nanos / this.format.tick;
    const rest = nanos % this.format.tick;
    return (Number(ticks) + Number(rest) / Number(this.format.tick)) / TICKS_PER_UNIT;
  }

  /** A price in 1e-9 units, which may lie between two ticks, as a height on the axis. */
  heightOf(nanos) {
    return nanos / Number(this.format.tick) / TICKS_PER_UNIT;
  }

  /** A height on the axis in 1e-9 units, between ticks too. */
  nanosAt(height) {
    return height * TICKS_PER_UNIT * Number(this.format.tick);
  }

  /**
   * A height on the axis as price text. It is the text of the nearest tick, so that the crosshair names
   * prices that exist; where the feed's own unit is finer than the tick, of the nearest unit.
   */
  axisText(height) {
    return this.format.text(this.#nanos(height));
  }

  #nanos(height) {
    if (this.#wholeTicks) return BigInt(Math.round(height * TICKS_PER_UNIT)) * this.format.tick;
    const units = Math.round((height * TICKS_PER_UNIT * Number(this.format.tick)) / Number(this.unit));
    return BigInt(units) * this.unit;
  }

  /** A wire price as text. */
  text(value, options) {
    return this.format.text(nanosFromWire(value, this.unit), options);
  }

  /** The difference of two wire prices as signed text. */
  change(to, from) {
    return this.format.signed(nanosFromWire(to, this.unit) - nanosFromWire(from, this.unit));
  }

  /** The chart library's `priceFormat` option. */
  priceFormat() {
    return {
      type: "custom",
      minMove: SMALLEST_MOVE,
      base: 1 / SMALLEST_MOVE,
      formatter: (height) => this.axisText(height),
    };
  }
}
