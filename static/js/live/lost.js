import { roughly } from "../ui/time.js";

/** The page asks every two seconds; an answer that stays away for so long does not come. */
export const LOST_MS = 6000;

/** Whether the server still answers a page that asks it again and again, and since when it does not. */
export class Answers {
  #heardAt;

  constructor(now) {
    this.#heardAt = now;
  }

  /** An answer has come. */
  heard(now) {
    this.#heardAt = now;
  }

  /** What is said once none comes; empty while they do. */
  text(now) {
    const waited = now - this.#heardAt;
    if (waited <= LOST_MS) return "";
    return `The server does not answer. What stands here is ${roughly(waited / 1000)} old; how the feed stands now is not known.`;
  }
}
