/** The sounds of alerts, made with Web Audio: no files, and the same on every machine. */

/** name → notes [Hz, begins after s, lasts s], and the shape of the wave. */
export const SOUNDS = {
  beep: { wave: "sine", notes: [[880, 0, 0.16], [880, 0.22, 0.16]] },
  chime: { wave: "triangle", notes: [[659, 0, 0.3], [784, 0.15, 0.3], [1047, 0.3, 0.6]] },
  bell: { wave: "sine", notes: [[1319, 0, 0.9], [2637, 0, 0.35]] },
  buzz: { wave: "square", notes: [[220, 0, 0.18], [220, 0.26, 0.3]] },
};
const ATTACK = 0.01;
/** A square wave of the same height sounds louder. */
const HEIGHT = { sine: 0.5, triangle: 0.55, square: 0.16 };

/** Plays sounds once the browser lets it: most want a click or a key on the page first. */
export class Beeper {
  #context = null;

  /** onBlocked(blocked): whether a sound was wanted and the browser keeps it back. */
  constructor({ makeContext = () => new AudioContext(), onBlocked = () => {} } = {}) {
    Object.assign(this, { makeContext, onBlocked });
  }

  get canPlay() {
    return this.#context?.state === "running";
  }

  /** To be called in a click or key press of the user. */
  async unlock() {
    this.#context ??= this.makeContext();
    if (this.#context.state !== "running") await this.#context.resume();
    this.onBlocked(false);
  }

  /** Whether a sound was played. volume: 0 to 100. */
  play(name, volume) {
    const sound = SOUNDS[name];
    if (!sound || volume <= 0) return false;
    this.#context ??= this.makeContext();
    if (!this.canPlay) {
      this.onBlocked(true);
      return false;
    }
    for (const note of sound.notes) this.#note(sound.wave, note, (volume / 100) * HEIGHT[sound.wave]);
    return true;
  }

  #note(wave, [frequency, begins, lasts], height) {
    const context = this.#context;
    const from = context.currentTime + begins;
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    tone.type = wave;
    tone.frequency.value = frequency;
    // a wave that is cut off clicks
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(height, from + ATTACK);
    gain.gain.linearRampToValueAtTime(0, from + lasts);
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(from + lasts);
  }
}

const HELD_MS = 3000;

/** Runs `play` in one of the pages that are open in this browser, whichever comes first: one firing sounds once. */
export function inOnePage(id, play, locks = globalThis.navigator?.locks) {
  if (!locks) return play();
  return locks.request(`futsim-alert-${id}`, { ifAvailable: true }, async (lock) => {
    if (lock === null) return;
    play();
    await new Promise((done) => setTimeout(done, HELD_MS));
  });
}
