import { conditionText, firedValueText } from "./words.js";

/** The browser's own notifications, for a page that is not looked at. The browser asks only when the user clicks. */
export class Notices {
  constructor({ Notification = globalThis.Notification, isLookedAt = () => document.hasFocus(), onClick = () => {} } = {}) {
    Object.assign(this, { Notification, isLookedAt, onClick });
  }

  /** `granted`, `denied`, `default` (not asked yet), or `none` where the browser has none. */
  get state() {
    return this.Notification?.permission ?? "none";
  }

  /** To be called in a click of the user; the state after his answer. */
  async ask() {
    await this.Notification?.requestPermission();
    return this.state;
  }

  /** Shows a firing, if allowed and needed. Pages show the same one once: it has a tag. */
  show(firing) {
    if (this.state !== "granted" || this.isLookedAt()) return false;
    const title = `${firing.root} ${firing.timeframe}: ${conditionText(firing)}`;
    const notice = new this.Notification(title, { body: `${firedValueText(firing)} ${firing.note}`.trim(), tag: `futsim-alert-${firing.id}`, silent: true });
    notice.onclick = () => {
      notice.close();
      this.onClick(firing);
    };
    return true;
  }
}
