import { Subscriptions } from "./store.js";

/** A panel that is drawn when one of its topics changes, and only while it can be seen. It has `watches`, `topics`, `draw()`. */
export class MarketPanel {
  /** What the server sends for it while it can be seen: see `ReplaySession.watch`. */
  watches = {};
  topics = [];

  /** The last thing that `mount` does. */
  begin(context) {
    this.context = context;
    this.drawing = () => this.draw();
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of this.topics) this.subscriptions.add(topic, () => this.redraw());
    this.ending = context.whileVisible((visible) => this.#seen(visible));
  }

  destroy() {
    this.ending();
    this.context.session.watch(this.context.panelId, null);
    this.observer?.disconnect();
    this.subscriptions.end();
    this.context.frames.cancel(this.drawing);
    this.root.remove();
  }

  /** Asks for one `draw()` in the next frame. */
  redraw() {
    if (this.visible) this.context.frames.request(this.drawing);
  }

  /** Calls `resize` with how many lines of a height fill a box, now and whenever its size changes. */
  fill(box, lineHeight, resize) {
    this.observer = new ResizeObserver(([{ contentRect }]) => {
      resize(Math.max(1, Math.ceil(contentRect.height / lineHeight)));
      this.redraw();
    });
    this.observer.observe(box);
  }

  #seen(visible) {
    this.visible = visible;
    this.context.session.watch(this.context.panelId, visible ? this.watches : null);
    // it stands as it was when it was hidden
    if (visible) this.context.frames.now(this.drawing);
  }
}
