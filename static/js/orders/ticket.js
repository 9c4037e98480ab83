import { el, setAttribute, setText } from "../ui/dom.js";
import { moneyText, nanosOfDollars } from "../ui/money.js";
import { PriceFormat } from "../ui/price.js";
import { readPrice } from "../ui/price_entry.js";
import { lastOf } from "../working/place.js";
import { Subscriptions } from "../workspace/store.js";
import { AccountLine } from "./account_line.js";
import { buildOrder, readWhole } from "./entry.js";
import { Story } from "./story.js";
import { Templates } from "./templates.js";
import { TicketForm } from "./ticket_form.js";
import { countWorking } from "./listing.js";
import { doesText } from "./words.js";

const SIDES = { buy: "Buy", sell: "Sell" };
const KEYS = { KeyB: "buy", KeyS: "sell" };
const TOO_LITTLE = "One contract risks more than $ Target, or nothing is at risk yet";
/** What the log says of commands that have no order of their own to say it. */
const ANSWERS = /^(Refused|Locked|Unlocked|Warned|Located): /;

/** The order ticket: how much, at what risk, at which price, and the buttons that send it. */
export class TicketPanel {
  #sent = new Set();
  #told = new Story();
  #answered = null;
  #quantity = null; // the one that stands in the topic `ticket`
  #format = null;

  mount(root, context) {
    this.context = context;
    this.form = new TicketForm({ templates: new Templates(window.localStorage), onInput: this.#drawNow, lastTicks: () => lastTicks(context.store) });
    this.account = new AccountLine({ desk: context.session.desk, onSent: (id) => this.#remember(id, "") });
    this.contract = el("span", { class: "dim" });
    context.header.left.append(this.contract);
    if (context.account) context.header.left.append(accountLink(context.account));
    this.tick = el("span", { class: "faint num", title: "What one tick of one contract is worth" });
    context.header.right.append(this.tick);
    this.root = el("div", { class: "ticket", role: "group", "aria-label": "Order ticket: Alt B buys, Alt S sells" }, this.account.root, this.#makeBody());
    root.append(this.root);
    this.root.addEventListener("keydown", (event) => this.#keyed(event));
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["session", "clock", "account", "orders", "positions", "focus", "connection"]) this.subscriptions.add(topic, this.#redraw);
    this.subscriptions.add("ticket", (ticket) => this.#adopt(ticket.quantity));
    this.subscriptions.add("asked", (wishes) => this.#wished(wishes));
    this.subscriptions.add("take", ({ number }) => this.#begin(number));
    this.subscriptions.add("error", (error) => this.#failed(error));
    this.subscriptions.add("withdrawn", ({ ref }) => this.#withdraw(ref));
    this.subscriptions.add("log", (lines) => this.#hear(lines));
    this.ending = context.whileVisible((visible) => {
      this.visible = visible;
      this.#drawNow();
    });
  }

  destroy() {
    this.ending();
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    this.root.remove();
  }

  #makeBody() {
    this.risks = { buy: el("b", { class: "num" }), sell: el("b", { class: "num" }) };
    const risk = el(
      "p",
      { class: "risk", title: "Dollar Risk: from the last price to the low (long) or the high (short) of the focused chart's bar in progress, of one contract and of the order" },
      el("span", {}, "risk long ", this.risks.buy),
      el("span", {}, "risk short ", this.risks.sell),
    );
    this.buttons = { buy: this.#sideButton("buy", "Alt B"), sell: this.#sideButton("sell", "Alt S") };
    this.story = el("p", { class: "story", role: "status" });
    const button = (action, title, text, send, came) => el("button", { type: "button", class: "button", "data-action": action, title, onclick: () => this.#remember(send(this.context.session.desk), `${text}: sent`, came) }, text);
    this.closers = el(
      "div",
      { class: "closers" },
      button("flatten", "Cancel all orders and close every position at the market", "Flatten", (desk) => desk.flatten(), flatText),
      button("reverse", "Cancel the contract's orders and turn its position round", "Reverse", (desk) => desk.reverse()),
      button("cancel-all", "Cancel every order", "Cancel all", (desk) => desk.cancelAll(), noOrdersText),
    );
    const { types, main, bracket, more } = this.form;
    return el(
      "div",
      { class: "ticket-body" },
      types,
      main,
      risk,
      el("div", { class: "sends" }, el("div", { class: "sides" }, this.buttons.buy, this.buttons.sell), this.closers, this.story),
      bracket.root,
      more,
    );
  }

  #sideButton(side, key) {
    return el("button", { type: "button", class: `button side-${side}`, "data-action": side, "data-key": key, onclick: () => this.#submit(side) }, SIDES[side]);
  }

  #redraw = () => this.visible && this.context.frames.request(this.#draw);

  /** What is typed is on the buttons at once: they may be pressed before the next frame. */
  #drawNow = () => this.visible && this.context.frames.now(this.#draw);

  // --- commands ---

  /** Alt B and Alt S send; Enter sends nothing, Esc goes back to the page. */
  #keyed(event) {
    const side = event.altKey && !event.ctrlKey && !event.metaKey && !event.repeat ? KEYS[event.code] : undefined;
    if (side) {
      event.preventDefault();
      this.#submit(side);
    } else if (event.key === "Escape" && !event.defaultPrevented) document.activeElement?.blur();
  }

  #submit(side) {
    if (!this.#format || this.buttons[side].disabled) return;
    const { order, problems } = buildOrder(this.form.values(side), this.#format);
    this.form.complain(problems);
    if (order === null) return;
    this.#remember(this.context.session.desk.submit(order));
  }

  /** A command went; words: what is said until there is an answer, null for an order; came: as `Story.say` has it. */
  #remember(id, words = null, came = null) {
    if (id === null) return;
    this.#sent.add(id);
    this.#told.sent(id, words, this.#orders, came);
    this.#redraw();
  }

  get #orders() {
    return this.context.store.get("orders");
  }

  #say(note) {
    this.#told.say(note, this.#orders);
    this.#redraw();
  }

  /** A change or a cancel went, from wherever. */
  #wished(wishes) {
    this.#told.asked(wishes, this.#orders);
    this.#redraw();
  }

  // --- what the server says ---

  #failed(error) {
    if (!error || !this.#sent.has(error.ref)) return;
    this.#say({ text: error.message, level: "error", ref: error.ref });
  }

  #withdraw(ref) {
    this.#told.withdraw(ref);
    this.#redraw();
  }

  #begin(take) {
    this.#told.begin(take, this.#orders);
    this.#redraw();
  }

  /** The newest line that answers a command, once; those that were there before are not news. */
  #hear(lines) {
    const line = lines.findLast(({ text }) => ANSWERS.test(text));
    const key = line ? `${line.at} ${line.text}` : "";
    const isNews = this.#answered !== null && key !== "" && key !== this.#answered;
    this.#answered = key;
    if (!isNews) return;
    this.#say({ text: line.text, level: line.level, ref: null });
  }

  #draw = () => {
    const { store } = this.context;
    const [session, clock, account] = ["session", "clock", "account"].map((topic) => store.get(topic));
    this.#useFormat(session);
    setText(this.contract, clock?.contract ?? "");
    setText(this.tick, session?.tick_value ? `tick ${moneyText(session.tick_value)}` : "");
    this.account.update(account ?? null);
    this.#drawRisk();
    const isReady = session?.state === "ready" && store.get("connection")?.state === "live";
    this.#drawButtons(isReady);
    for (const closer of this.closers.children) closer.disabled = !isReady;
    this.#drawStory();
    setText(this.form.moreSum, this.form.extras);
  };

  #useFormat(session) {
    if (session === this.session) return;
    this.session = session;
    if (!session) return;
    this.#format = new PriceFormat(session);
    this.form.useFormat(this.#format);
  }

  #drawRisk() {
    const { store } = this.context;
    const told = store.get(`risk:${this.context.session.focusedChart()}`) ?? null;
    const risks = { buy: told && nanosOfDollars(told.buy), sell: told && nanosOfDollars(told.sell) };
    this.form.size(risks, store.get("account")?.max_position ?? null);
    const quantities = this.form.quantities();
    this.#publish(quantities);
    for (const side of ["buy", "sell"]) setText(this.risks[side], riskText(risks[side], quantities[side]));
  }

  /** What a click on the ladder or the chart sends: this quantity, the lesser where the sides differ. */
  #publish({ buy, sell }) {
    const { store } = this.context;
    const quantity = Math.min(buy, sell);
    if (quantity < 1 || quantity === store.get("ticket")?.quantity) return;
    this.#quantity = quantity;
    store.set("ticket", { ...store.get("ticket"), quantity });
  }

  /** The ladder has set another quantity. */
  #adopt(quantity) {
    if (quantity === this.#quantity || !(quantity >= 1)) return;
    this.#quantity = quantity;
    this.form.setQuantity(String(quantity));
  }

  #drawButtons(isReady) {
    const quantities = this.form.quantities();
    for (const [side, button] of Object.entries(this.buttons)) {
      const quantity = quantities[side];
      button.disabled = !isReady || quantity === 0;
      setText(button, `${SIDES[side]} ${quantity ?? ""} ${this.#does()}`.replace("  ", " "));
      setAttribute(button, "title", this.form.targetProblem ?? (quantity === 0 ? TOO_LITTLE : `${button.dataset.key} in the ticket`));
    }
  }

  #does() {
    const { type, fields } = this.form;
    const ticks = (name) => (this.#format ? (readPrice(fields[name].text, this.#format).ticks ?? null) : null);
    return doesText({ type, limit: ticks("limit"), stop: ticks("stop"), offset: readWhole(fields.offset.text).value ?? null }, this.#format);
  }

  #drawStory() {
    const { store } = this.context;
    const state = { asked: store.get("asked"), positions: store.get("positions"), playhead: store.get("clock")?.playhead };
    const shown = this.#told.told(this.#orders, this.#format, state);
    setText(this.story, shown?.text ?? "");
    setAttribute(this.story, "title", shown?.text ?? null);
    setAttribute(this.story, "data-level", shown?.level ?? null);
  }
}

/** What is said of Flatten and of Cancel all once nothing is left of what they end. */
function flatText({ orders, positions }) {
  return (positions ?? []).every(({ quantity }) => quantity === 0) && noOrdersText({ orders }) ? "Flat: no position, no order" : null;
}

function noOrdersText({ orders }) {
  return countWorking(orders ?? new Map()) === 0 ? "No order works" : null;
}

/** "$504.00 · × 2 $1 008.00"; a dash where no bar is in progress. */
function riskText(risk, quantity) {
  if (risk === null) return "–";
  return quantity > 1 ? `${moneyText(risk)} · × ${quantity} ${moneyText(risk * BigInt(quantity))}` : moneyText(risk);
}

/** The focused chart's last price in ticks of the contract's own prices; null before there is one. */
function lastTicks(store) {
  const [session, clock, chart] = ["session", "clock", `bars:${store.get("focus")?.chart}`].map((topic) => store.get(topic));
  return session && clock ? lastOf(chart, clock, session.tick) : null;
}

/** Whose money it is. In a window of its own: the replay goes on in this one. */
function accountLink({ name, url }) {
  return el("a", { class: "account-name", href: url, target: "_blank", title: `Account ${name}: its limits and assumptions of fills` }, name);
}
