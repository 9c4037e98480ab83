import { el, setAttribute, setText } from "../ui/dom.js";
import { conditionText, countText, toneText, valueText } from "./words.js";

/**
 * Fills a chip that the server has drawn (`data-chip`, its parts `data-part`) with how its alert stands: {tone, value,
 * count, closest}. An All-alert names the asset that is closest.
 */
export function fillChip(node, chip) {
  const part = (name, text) => setText(node.querySelector(`[data-part=${name}]`), text);
  setAttribute(node, "data-tone", chip.tone);
  part("value", valueText(chip));
  part("count", countText(chip.count));
  part("closest", chip.root === null && chip.closest ? chip.closest : "");
  setAttribute(node, "title", titleOf(chip));
}

function titleOf(chip) {
  const fired = chip.count === 1 ? "Fired once" : `Fired ${chip.count} times`;
  const many = chip.root === null && chip.closest ? ` ${chip.closest} is the closest of all assets.` : "";
  return `${conditionText(chip)}, ${chip.timeframe}. ${toneText(chip.tone)}.${many} ${fired}. Click to open its chart.`;
}

/** The assets of an opened All-alert, each a small chip of its own; they stay the same nodes. */
export class ChipRows {
  #nodes = new Map();

  /** onOpen(root): the asset's chip was clicked. */
  constructor(root, onOpen) {
    Object.assign(this, { root, onOpen });
  }

  update(chip) {
    for (const row of chip.rows ?? []) this.#fill(this.#node(row.root), { ...row, operator: chip.operator });
  }

  #node(asset) {
    if (!this.#nodes.has(asset)) {
      const value = el("span", { class: "num" });
      const node = el("button", { type: "button", class: "alert-chip alert-chip-small", "data-action": "open-asset", "data-root": asset, onclick: () => this.onOpen(asset) }, el("b", {}, asset), value);
      this.#nodes.set(asset, { node, value });
      this.root.append(node);
    }
    return this.#nodes.get(asset);
  }

  #fill({ node, value }, row) {
    setText(value, valueText(row));
    setAttribute(node, "data-tone", row.tone);
    setAttribute(node, "title", `${row.root}: ${toneText(row.tone)}. Click to open its chart.`);
  }
}
