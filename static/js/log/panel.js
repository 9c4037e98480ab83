import { el, setText } from "../ui/dom.js";
import { localClock, localDay } from "../ui/time.js";
import { isAsking } from "../workspace/loading.js";
import { Subscriptions } from "../workspace/store.js";
import { pieces } from "./pieces.js";

const LOCAL_TIME = "The times in the log are those of your computer's clock, not of the market";

/** What the replay and this page did, newest at the bottom, with the time on this computer's clock. */
export class LogPanel {
  #lines = [];
  #asking = null;

  mount(root, context) {
    this.context = context;
    this.list = el("ol", { class: "log", role: "log", "aria-label": "Log", tabindex: 0 });
    this.empty = el("p", { class: "quiet" }, "Nothing to tell yet.");
    this.root = el("div", { class: "log-panel" }, this.empty, this.list);
    context.header.left.append(el("span", { class: "faint", title: LOCAL_TIME }, "local time"));
    this.count = context.header.right.appendChild(el("span", { class: "faint num" }));
    root.append(this.root);
    this.subscriptions = new Subscriptions(context.store);
    this.subscriptions.add("log", (lines) => {
      this.#lines = lines;
      context.frames.request(this.#draw);
    });
    this.subscriptions.add("job", (job) => {
      // only a question, or its end, changes what stands here
      const asking = isAsking(job) ? job : null;
      if (asking?.id === this.#asking?.id && asking?.cost === this.#asking?.cost) return;
      this.#asking = asking;
      context.frames.request(this.#draw);
    });
  }

  destroy() {
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.root.remove();
  }

  #draw = () => {
    const atEnd = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 24;
    this.empty.hidden = this.#lines.length > 0;
    this.list.replaceChildren(...this.#lines.map((line) => lineRow(line, this.#answers(line))));
    setText(this.count, this.#lines.length === 1 ? "1 line" : `${this.#lines.length} lines`);
    if (atEnd) this.root.scrollTop = this.root.scrollHeight;
  };

  /** The buttons of the last line that asks for a yes, as long as its job does. */
  #answers(line) {
    const { session } = this.context;
    const job = this.#asking;
    if (!job || line !== this.#lines.findLast((each) => each.job === job.id)) return [];
    return [
      el("button", { type: "button", class: "button button-accent", onclick: () => session.approve(job) }, "Download"),
      el("button", { type: "button", class: "button", onclick: () => session.cancelLoad(job) }, "Cancel"),
    ];
  }
}

/** A line as a row; `more` stands behind its text. */
function lineRow({ at, level, text }, more) {
  const time = el("time", { class: "num", title: `${localDay(at)}, your local time` }, localClock(at));
  const words = el("span", {}, ...pieces(text).map(piece), ...more);
  return el("li", { "data-level": level }, time, el("span", { class: "log-level" }, level), words);
}

function piece({ text, keep }) {
  return keep ? el("span", { class: "keep" }, text) : text;
}
