import { SPEEDS } from "../net/protocol.js";
import { mouseKeepsFocus, setAttribute, setText, show } from "../ui/dom.js";
import { ET_INPUT_FORMS, dayOfDate, etClock, etDay, etText, readEtInput, secondsFromNs } from "../ui/time.js";
import { GRADES, gradeOf, suffices } from "../workspace/grades.js";
import { isAsking, loadingOf } from "../workspace/loading.js";
import { Subscriptions } from "../workspace/store.js";
import { commandOf, focusKind } from "./keys.js";

const NOTE_MS = 8000;
const STILL_LOADING = "Still loading. Press Play when the chart is there.";
const STILL_LOADING_MS = 3000;
const CONNECTION = {
  idle: "no replay",
  connecting: "connecting …",
  live: "connected",
  reconnecting: "reconnecting …",
  stopped: "disconnected",
};

/**
 * The replay bar. Its markup stands in templates/replay/workspace.html and carries `data-action` on what can
 * be pressed and `data-show` on what is filled in here.
 */
export class ReplayBar {
  #listening = new AbortController();

  mount(root, context) {
    this.root = root;
    this.context = context;
    this.fields = Object.fromEntries([...root.querySelectorAll("[data-show]")].map((node) => [node.dataset.show, node]));
    this.#fillSpeeds();
    this.#listen();
    this.subscriptions = new Subscriptions(context.store);
    for (const topic of ["clock", "session", "connection", "job", "take"]) {
      this.subscriptions.add(topic, () => context.frames.request(this.#draw));
    }
    this.subscriptions.add("error", (error) => this.#refused(error));
  }

  destroy() {
    this.#listening.abort();
    this.subscriptions.end();
    this.context.frames.cancel(this.#draw);
    clearTimeout(this.noteTimer);
  }

  #fillSpeeds() {
    for (const speed of SPEEDS) {
      this.fields.speed.add(new Option(speed === "max" ? "max" : `${speed}×`, String(speed)));
    }
    this.fields.speed.value = "1";
  }

  #listen() {
    const { signal } = this.#listening;
    mouseKeepsFocus(this.root, signal);
    // a disabled button hears no click, but its bar hears that it was touched
    this.root.addEventListener("pointerdown", (event) => this.#touched(event.target.closest("[data-action]")), { signal });
    this.root.addEventListener("click", (event) => this.#pressed(event.target.closest("[data-action]")), { signal });
    this.fields.keeps.addEventListener("change", () => this.context.session.keepEvents(this.fields.keeps.value), { signal });
    this.fields.speed.addEventListener("change", () => this.#chooseSpeed(), { signal });
    this.fields.jumpForm.addEventListener("submit", (event) => this.#jump(event), { signal });
    this.fields.jump.addEventListener("input", () => this.#mark(null), { signal });
    this.fields.jump.addEventListener("keydown", (event) => event.key === "Escape" && event.target.blur(), { signal });
    document.addEventListener("keydown", (event) => this.#keyed(event), { signal });
    document.addEventListener("keyup", (event) => this.#released(event), { signal });
  }

  #keyed(event) {
    if (event.defaultPrevented) return;
    const command = commandOf(event, focusKind(document.activeElement));
    if (!command || (command.action !== "timeframe" && !this.#ready())) return this.#touched(command);
    event.preventDefault();
    return this.#run(command);
  }

  /** Firefox presses the focused button when Space is let go, whatever was done about its being pressed. */
  #released(event) {
    if (event.key === " " && this.#ready() && focusKind(document.activeElement) === "page") event.preventDefault();
  }

  /** Play was asked for, by key or button: says why nothing happens while there is nothing to play yet. */
  #touched(command) {
    const action = command?.dataset?.action ?? command?.action;
    if (action === "toggle" && this.#isComing()) this.#note(STILL_LOADING, { level: "info", ms: STILL_LOADING_MS });
  }

  #pressed(button) {
    if (!button || button.disabled) return;
    const { action, unit, count, direction, grade } = button.dataset;
    this.#run({ action, unit, count: Number(count), direction: Number(direction), grade });
  }

  #run(command) {
    const { session } = this.context;
    if (command.action === "timeframe") return this.#chooseTimeframe(command.timeframe);
    if (!this.#ready()) return undefined;
    if (command.action === "toggle") session.toggle();
    else if (command.action === "step") session.step(command.unit, command.count);
    else if (command.action === "faster") session.faster(command.direction);
    else if (command.action === "jump") this.#openJump();
    else if (command.action === "get") this.#get(command.grade);
    else if (command.action === "approve") session.approve(this.context.store.get("job"));
    else if (command.action === "cancel") session.cancelLoad(this.context.store.get("job"));
    return undefined;
  }

  #get(grade) {
    this.fields.gradeMenu.open = false;
    this.context.session.getEvents(grade);
  }

  #ready() {
    return this.context.store.get("session")?.state === "ready" && !this.#isStopped();
  }

  /** Whether there is a replay, and it is neither there yet nor given up. */
  #isComing() {
    const { session, store } = this.context;
    return session.exists && !this.#isStopped() && ["loading", undefined].includes(store.get("session")?.state);
  }

  #isStopped() {
    return this.context.store.get("connection").state === "stopped";
  }

  #chooseSpeed() {
    const { value } = this.fields.speed;
    this.context.session.speed(value === "max" ? "max" : Number(value));
  }

  #chooseTimeframe(timeframe) {
    const { session } = this.context;
    const chart = session.focusedChart();
    if (chart) session.setTimeframe(chart, timeframe);
  }

  #openJump() {
    const { jump } = this.fields;
    const clock = this.context.store.get("clock");
    if (!jump.value && clock) jump.value = etText(secondsFromNs(clock.playhead)).slice(0, 16);
    jump.focus();
    jump.select();
  }

  #jump(event) {
    event.preventDefault();
    const clock = this.context.store.get("clock");
    const now = clock ? secondsFromNs(clock.playhead) : Date.now() / 1000;
    const et = readEtInput(this.fields.jump.value, now);
    if (et === null) return this.#mark(`This moment cannot be read. Write ${ET_INPUT_FORMS}, in Eastern time.`);
    this.fields.jump.value = et;
    if (this.context.session.seek(et)) this.fields.jump.blur();
    return undefined;
  }

  #mark(problem) {
    setAttribute(this.fields.jump, "aria-invalid", problem ? "true" : null);
    this.#note(problem, { under: this.fields.jumpForm });
  }

  #refused({ message, ref }) {
    if (ref === "seek") this.#mark(message);
    else this.#note(message);
  }

  #note(text, { under = this.fields.play, level = "error", ms = NOTE_MS } = {}) {
    clearTimeout(this.noteTimer);
    setText(this.fields.note, text ?? "");
    setAttribute(this.fields.note, "data-level", level);
    this.fields.note.style.left = `${under.offsetLeft}px`;
    show(this.fields.note, Boolean(text));
    if (text) this.noteTimer = setTimeout(() => show(this.fields.note, false), ms);
  }

  #draw = () => {
    const { store } = this.context;
    this.#drawConnection(store.get("connection"));
    this.#drawSession(store.get("session"));
    this.#drawClock(store.get("clock"));
    this.#drawLoading();
    this.#drawTake(store.get("take")?.number ?? 0);
  };

  /** The first take is the session itself. */
  #drawTake(number) {
    show(this.fields.take, number > 1);
    setText(this.fields.take, `take ${number}`);
  }

  #drawConnection({ state, reason }) {
    const chip = this.fields.connection;
    setText(chip, CONNECTION[state]);
    setAttribute(chip, "data-state", state);
    setAttribute(chip, "title", reason ?? "The connection of this page to the server");
  }

  #drawSession(session) {
    for (const control of this.root.querySelectorAll("[data-needs-session]")) control.disabled = !this.#ready();
    const synthetic = document.querySelector("[data-synthetic]");
    // what was imported is no invention, even where the market is
    if (session && synthetic) synthetic.hidden = !session.synthetic;
  }

  /** What is loaded while bars are on screen; before that the chart's own area tells. */
  #drawLoading() {
    const { store } = this.context;
    const [session, clock, job, sought] = ["session", "clock", "job", "sought"].map((topic) => store.get(topic));
    const loading = this.#ready() ? loadingOf({ session, clock, job, sought }) : null;
    show(this.fields.loading, loading !== null);
    show(this.fields.loadingBar, loading !== null && !isAsking(job));
    show(this.fields.approve, loading !== null && isAsking(job));
    show(this.fields.cancel, loading !== null && Boolean(job));
    if (loading === null) return;
    setAttribute(this.fields.loading, "data-state", job?.state ?? null);
    setText(this.fields.loading, loading.short);
    setAttribute(this.fields.loading, "title", loading.text);
    this.fields.loadingShare.style.width = `${Math.round(loading.share * 100)}%`;
  }

  #drawClock(clock) {
    if (!clock) return;
    const grade = gradeOf(clock);
    show(this.fields.gradeMenu, grade.text !== "");
    this.#drawEvents(clock);
    setText(this.fields.grade, grade.text);
    setAttribute(this.fields.grade, "title", grade.title);
    const seconds = secondsFromNs(clock.playhead);
    setText(this.fields.time, etClock(seconds));
    setText(this.fields.date, `${etDay(seconds)} ET`);
    const tradeDate = clock.trade_date ? `trade date ${dayOfDate(clock.trade_date)}` : "";
    setText(this.fields.tradeDate, tradeDate);
    setAttribute(this.fields.clock, "title", `The moment that the replay shows, Eastern time · ${tradeDate}`);
    this.#drawPlay(clock.playing && !this.#isStopped());
    if (document.activeElement !== this.fields.speed) this.fields.speed.value = String(clock.speed);
  }

  /** What can be got of the session at the playhead, and what is got of each. */
  #drawEvents({ grade, keeps = GRADES[0] }) {
    for (const button of this.fields.gradeMenu.querySelectorAll("[data-action=get]")) {
      const isHere = grade !== null && suffices(grade, button.dataset.grade);
      button.disabled = !this.#ready() || isHere;
      setAttribute(button, "title", isHere ? "Here already" : null);
    }
    if (document.activeElement !== this.fields.keeps) this.fields.keeps.value = keeps;
  }

  #drawPlay(playing) {
    const { play } = this.fields;
    setAttribute(play, "aria-pressed", String(playing));
    setAttribute(play, "aria-label", playing ? "Pause" : "Play");
    setAttribute(play, "title", `${playing ? "Pause" : "Play"} (Space)`);
  }
}
