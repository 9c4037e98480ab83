import { setText, show } from "../ui/dom.js";

const NOTICES = {
  granted: "This browser shows notifications while no page of futsim is in front.",
  denied: "This browser was told to show no notifications; its settings for this site can change that.",
  default: "",
  none: "This browser has no notifications.",
};

/** What htmx does not do in the settings form of alerts: trying the sounds and asking for notifications. */
export class AlertSettings {
  constructor({ beeper, notices }) {
    Object.assign(this, { beeper, notices });
  }

  /** Looks after whatever settings forms stand under a root, also those drawn later. */
  mount(root) {
    root.addEventListener("click", (event) => this.#clicked(event.target.closest?.("[data-try-sound], [data-ask-notices]")));
    this.draw(root);
  }

  draw(root) {
    for (const form of root.querySelectorAll("[data-alert-settings]")) {
      show(form.querySelector("[data-ask-notices]"), this.notices.state === "default");
      setText(form.querySelector("[data-show=notices]"), NOTICES[this.notices.state]);
    }
  }

  async #clicked(button) {
    if (!button) return;
    const form = button.closest("form");
    if (button.matches("[data-try-sound]")) {
      await this.beeper.unlock();
      this.beeper.play(button.dataset.trySound || "beep", Number(form.elements.volume?.value ?? 50));
    } else {
      await this.notices.ask();
      this.draw(document);
    }
  }
}
