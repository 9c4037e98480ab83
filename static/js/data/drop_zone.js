import { el, setText } from "../ui/dom.js";
import { SendError } from "./sender.js";

/**
 * Where files are dropped or chosen. Those that are dropped together are imported together, once all of them are on
 * the server; one that cannot be sent does not hold up the others.
 */
export class DropZone {
  #listening = new AbortController();
  /** How many drops are on their way: leaving the page would lose them. */
  #sending = 0;

  /** `sender` sends a file, `onSent(tickets)` hears of those that arrived. */
  constructor({ sender, onSent }) {
    Object.assign(this, { sender, onSent });
  }

  mount(root) {
    const { signal } = this.#listening;
    this.root = root;
    this.list = root.querySelector("[data-show=uploads]");
    this.input = root.querySelector("input[type=file]");
    for (const name of ["dragenter", "dragover"]) root.addEventListener(name, (event) => this.#over(event), { signal });
    for (const name of ["dragleave", "drop"]) root.addEventListener(name, () => root.classList.remove("over"), { signal });
    root.addEventListener("drop", (event) => this.#dropped(event), { signal });
    root.addEventListener("submit", (event) => event.preventDefault(), { signal });
    this.input.addEventListener("change", () => this.#chosen(), { signal });
    window.addEventListener("beforeunload", (event) => this.#sending && event.preventDefault(), { signal });
    // a file dropped beside the zone would replace the page
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault(), { signal });
  }

  destroy() {
    this.#listening.abort();
  }

  #over(event) {
    event.preventDefault();
    this.root.classList.add("over");
  }

  #dropped(event) {
    event.preventDefault();
    this.#take([...event.dataTransfer.files]);
  }

  #chosen() {
    this.#take([...this.input.files]);
    this.input.value = "";
  }

  async #take(files) {
    if (!files.length) return;
    const lines = files.map((file) => new UploadLine(file));
    this.list.append(...lines.map((line) => line.root));
    this.#sending += 1;
    try {
      await this.#send(lines);
    } finally {
      this.#sending -= 1;
    }
  }

  async #send(lines) {
    const tickets = [];
    for (const line of lines) {
      const ticket = await line.send(this.sender);
      if (ticket !== null) tickets.push(ticket);
    }
    if (!tickets.length) return;
    try {
      await this.onSent(tickets);
      for (const line of lines) line.leave();
    } catch (problem) {
      lines[0].fail(problem);
    }
  }
}

/** A file on its way: its name, how much is there, and what went wrong. */
class UploadLine {
  constructor(file) {
    this.file = file;
    this.failed = false;
    this.share = el("span", { class: "dim" }, "waiting");
    this.fill = el("div", { class: "progress-fill", style: "width: 0" });
    this.progress = el("div", { class: "progress", role: "progressbar", "aria-label": `Sending ${file.name}` }, this.fill);
    this.root = el("li", { class: "upload" }, el("span", {}, file.name), this.share, this.progress);
  }

  /** The ticket of the file on the server, or null when it could not be sent. */
  async send(sender) {
    try {
      const ticket = await sender.send(this.file, (bytes) => this.#show(bytes));
      setText(this.share, "sent");
      return ticket;
    } catch (problem) {
      this.fail(problem);
      return null;
    }
  }

  #show(bytes) {
    const percent = `${Math.min(100, Math.round((bytes / Math.max(1, this.file.size)) * 100))}%`;
    this.fill.style.width = percent;
    setText(this.share, percent);
  }

  fail(problem) {
    this.failed = true;
    const text = problem instanceof SendError ? problem.message : "This file could not be sent; try again.";
    setText(this.share, "not sent");
    this.progress.remove();
    this.root.append(el("span", { class: "errors" }, text));
  }

  /** What was sent goes on as an import; what was not stays, to be read. */
  leave() {
    if (!this.failed) this.root.remove();
  }
}
