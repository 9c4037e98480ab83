import { el, setText, show } from "../ui/dom.js";

/** In a panel's header: its contract, where there is room for the name, and whether its prices are not the chart's. */
export class ContractName {
  constructor(header, { named = true } = {}) {
    this.name = el("span", { class: "contract-name", hidden: !named });
    this.shifted = el("span", { class: "legend-shifted", hidden: true }, "true prices");
    header.left.append(this.name, this.shifted);
  }

  /** `told`: {contract, shift}, or null; `format`: of the asset's prices. */
  update(told, format) {
    setText(this.name, told?.contract ?? "");
    const shift = told?.shift ?? 0;
    show(this.shifted, shift !== 0);
    if (shift) this.shifted.title = `These are the prices at which ${told.contract} really traded. The chart adds ${format.signed(shift)} to them, for what the rolls made of the difference.`;
  }
}
