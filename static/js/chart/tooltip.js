import { el } from "../ui/dom.js";

const GAP = 12;

/** A small box beside the pointer with the details of the roll under it. */
export class Tooltip {
  constructor(root) {
    this.parent = root;
    this.root = root.appendChild(el("div", { class: "tooltip", role: "tooltip", hidden: true }));
  }

  /** Shows the lines beside a point of the parent, kept inside it. */
  show(lines, { x, y }) {
    this.root.replaceChildren(...lines.map((line) => el("div", {}, line)));
    this.root.hidden = false;
    const left = Math.min(x + GAP, this.parent.clientWidth - this.root.offsetWidth - GAP);
    const top = Math.min(y + GAP, this.parent.clientHeight - this.root.offsetHeight - GAP);
    this.root.style.transform = `translate(${Math.max(GAP, left)}px, ${Math.max(GAP, top)}px)`;
  }

  hide() {
    if (!this.root.hidden) this.root.hidden = true;
  }
}
