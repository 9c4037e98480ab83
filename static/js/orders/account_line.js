import { el, setAttribute, setText, show } from "../ui/dom.js";
import { directionOf, moneyText, signedMoney } from "../ui/money.js";

const HARD = "Nobody lifts it before 17:00 ET of this market day.";
const SOFT = "You may lift it, with a written reason that the journal keeps.";

/** The account in a line: equity, the day, what is open, and its lock, which is set and lifted here. */
export class AccountLine {
  #asked = null; // "lock" or "unlock" while a reason is asked for
  #isSure = false;

  /** desk: of the session; onSent: called with each command's id. */
  constructor({ desk, onSent }) {
    Object.assign(this, { desk, onSent });
    this.figures = Object.fromEntries(["equity", "day", "open"].map((name) => [name, el("b", { class: "num" })]));
    const figure = (name, label, title) => el("span", { class: "figure", title }, label, " ", this.figures[name]);
    const button = (action, text, onclick) => el("button", { type: "button", class: "bare", "data-action": action, onclick }, text);
    this.words = el("span");
    this.lockMe = button("lock", "Lock me out", () => this.#ask("lock"));
    this.unlock = button("unlock", "Unlock…", () => this.#ask("unlock"));
    // words of any length: a line of their own, which wraps
    this.lock = el("p", { class: "lock", role: "status", hidden: true }, this.words, this.unlock);
    this.root = el(
      "div",
      { class: "account" },
      el(
        "div",
        { class: "account-line" },
        figure("equity", "Equity", "Cash, all that is realised and all that is open"),
        figure("day", "Day", "Realised this market day, after fees"),
        figure("open", "Open", "Of the open positions, at the last prices"),
        el("span", { class: "account-end" }, this.lockMe),
      ),
      this.lock,
      this.#makeQuestion(),
    );
    this.update(null);
  }

  /** account: as the server tells it, or null before it does. */
  update(account) {
    const told = account?.equity !== undefined;
    setText(this.figures.equity, told ? moneyText(account.equity) : "–");
    for (const name of ["day", "open"]) {
      setText(this.figures[name], told ? signedMoney(account[name]) : "–");
      setAttribute(this.figures[name], "data-direction", told ? directionOf(account[name]) : "");
    }
    const isLocked = Boolean(account?.lock);
    show(this.lock, isLocked);
    show(this.unlock, isLocked && !account.hard);
    show(this.lockMe, told && !isLocked);
    if (isLocked) this.#drawLock(account);
    if (this.#asked === (isLocked ? "lock" : "unlock")) this.#close();
  }

  #drawLock({ lock, hard }) {
    setText(this.words, `${hard ? "Locked until 17:00 ET" : "Locked"}: ${lock}`);
    setAttribute(this.lock, "title", `${lock}. ${hard ? HARD : SOFT}`);
  }

  #makeQuestion() {
    this.title = el("b");
    this.reason = el("input", { type: "text", name: "lockReason", maxlength: 400, placeholder: "the reason, in your words", "aria-label": "Reason", autocomplete: "off", oninput: () => this.#doubt() });
    this.hard = el("input", { type: "checkbox", name: "hardLock", onchange: () => this.#doubt() });
    this.hardLabel = el("label", { class: "box", title: HARD }, this.hard, "hard");
    this.note = el("p", { class: "faint" });
    this.go = el("button", { type: "submit", class: "button button-small" });
    const cancel = el("button", { type: "button", class: "button button-small", "data-action": "no-lock", onclick: () => this.#close() }, "Cancel");
    const line = el("div", { class: "question-line" }, this.reason, this.hardLabel, this.go, cancel);
    this.question = el("form", { class: "question", hidden: true, onsubmit: (event) => this.#answered(event) }, this.title, line, this.note);
    this.question.addEventListener("keydown", ({ key }) => key === "Escape" && this.#close());
    return this.question;
  }

  #ask(what) {
    this.#asked = what;
    this.reason.value = "";
    this.hard.checked = false;
    show(this.question, true);
    show(this.hardLabel, what === "lock");
    this.#doubt();
    this.reason.focus();
  }

  #close() {
    this.#asked = null;
    show(this.question, false);
  }

  /** Whatever changes has to be confirmed anew. */
  #doubt() {
    this.#isSure = false;
    const isLock = this.#asked === "lock";
    setText(this.title, isLock ? "No new positions until 17:00 ET" : "Lift the lock");
    setText(this.note, isLock ? (this.hard.checked ? HARD : SOFT) : "The journal keeps the reason.");
    setText(this.go, isLock ? "Lock me out" : "Unlock");
    this.go.classList.remove("button-danger");
  }

  /** A lock is asked for twice; the second time by the mouse or by going to the button, never by a second Enter. */
  #answered(event) {
    event.preventDefault();
    const reason = this.reason.value.trim();
    if (!reason) return this.reason.focus();
    if (this.#asked === "unlock") return this.#send(this.desk.unlock(reason));
    if (this.#isSure && event.submitter === this.go && document.activeElement !== this.reason) return this.#send(this.desk.lock(reason, this.hard.checked));
    this.#isSure = true;
    setText(this.title, this.hard.checked ? "Sure? Nobody lifts this lock before 17:00 ET" : "Sure? No new positions until 17:00 ET");
    setText(this.go, "Yes, lock me out");
    this.go.classList.add("button-danger");
    this.reason.blur();
    return undefined;
  }

  #send(id) {
    this.onSent(id);
    this.#close();
  }
}
