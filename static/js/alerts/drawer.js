import { setText, show } from "../ui/dom.js";
import { unreadText } from "./words.js";

/**
 * The bell in the top line with the count of firings not looked at, and the drawer that it opens: the newest firings,
 * as the server draws them. Opening it says that they have been looked at.
 */
export class Drawer {
  /** root: the drawer; bell: what opens it; load(): has the server draw the list; resolves when it stands there. */
  mount({ root, bell, alerts, load }) {
    Object.assign(this, { root, bell, alerts, load });
    this.count = bell.querySelector("[data-show=unread]");
    this.list = root.querySelector("[data-show=firings]");
    alerts.store.subscribe("unread", (unread) => this.#told(unread));
    alerts.store.subscribe("firing", () => this.isOpen && this.#refresh());
    bell.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("toggle", () => this.#toggled());
  }

  get isOpen() {
    return this.root.matches(":popover-open");
  }

  open() {
    if (!this.isOpen) this.root.showPopover();
  }

  /** With a key held, the link to the whole history works as links do. */
  #clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.root.togglePopover();
  }

  #toggled() {
    this.bell.setAttribute("aria-expanded", String(this.isOpen));
    if (this.isOpen) this.#refresh();
  }

  async #refresh() {
    await this.load(this.list);
    const newest = this.list.querySelector("[data-firing]")?.dataset.firing;
    if (newest && this.isOpen && document.visibilityState === "visible") this.alerts.seen(Number(newest));
  }

  #told(unread) {
    setText(this.count, unreadText(unread));
    show(this.count, unread > 0);
    const words = unread === 1 ? "1 firing not looked at" : `${unread} firings not looked at`;
    this.bell.setAttribute("aria-label", unread ? `Alerts: ${words}` : "Alerts");
  }
}
