import { el, setText, show } from "../ui/dom.js";
import { getText } from "./grades.js";
import { needOf } from "./needs.js";

/** Lies over a panel for as long as it has nothing to show: says why, and offers what changes it. */
export class Need {
  #shown = null;

  /** wishes: {needs, offers} as `needOf` takes them. */
  constructor(root, context, wishes) {
    Object.assign(this, { context, wishes });
    const button = (text, accent, onclick) => el("button", { type: "button", class: `button button-small${accent}`, onclick }, text);
    this.text = el("p");
    this.get = button("", "", () => context.session.getEvents(this.#shown.get));
    this.approve = button("Download", " button-accent", () => context.session.approve(this.#shown.job));
    this.cancel = button("Cancel", "", () => context.session.cancelLoad(this.#shown.job));
    this.root = el("div", { class: "need", role: "status" }, this.text, this.get, this.approve, this.cancel);
    root.append(this.root);
  }

  /** Whether something is missing; `data` is the panel's own topic. */
  update(data) {
    const { store, session } = this.context;
    const known = { exists: session.exists, session: store.get("session"), clock: store.get("clock"), job: store.get("job"), data };
    const need = needOf(known, this.wishes);
    this.#shown = need;
    show(this.root, need !== null);
    if (need === null) return false;
    setText(this.text, need.text);
    show(this.get, need.get !== null);
    if (need.get !== null) setText(this.get, getText(need.get));
    for (const button of [this.approve, this.cancel]) show(button, need.job !== null);
    return true;
  }
}
