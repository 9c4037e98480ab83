/** As many banners of one alert at one asset, and of all: at a high speed nobody could read more. */
const MOST_OF_ONE = 3;
const MOST = 12;
/** What is told before the page has come there waits so long; the page follows the server by less. */
const WAITING_MS = 5000;

/**
 * Which firings of this page's replay stand as banners: none that lies after the playhead, and the newest few. The others
 * are in the history. show(firing), drop(firing): what is to be done.
 */
export class ReplayedBanners {
  #standing = []; // the oldest first
  #waiting = []; // told before the page has come there: {firing, at}
  #playheadMs = null;

  constructor({ show, drop, now = () => performance.now() }) {
    Object.assign(this, { show, drop, now });
  }

  /** It has fired. */
  add(firing) {
    if (this.#playheadMs !== null && firing.market_ms > this.#playheadMs) this.#waiting.push({ firing, at: this.now() });
    else this.#stand(firing);
  }

  /** The playhead is here; where it was put back, what lies after it is not known any more. */
  reached(playheadMs) {
    const isBack = this.#playheadMs !== null && playheadMs < this.#playheadMs;
    this.#playheadMs = playheadMs;
    if (isBack) this.#leave(({ market_ms: ms }) => ms > playheadMs);
    const waiting = isBack ? [] : this.#waiting.filter(({ at }) => this.now() - at < WAITING_MS);
    this.#waiting = waiting.filter(({ firing }) => firing.market_ms > playheadMs);
    for (const { firing } of waiting) if (firing.market_ms <= playheadMs) this.#stand(firing);
  }

  #stand(firing) {
    this.#standing = [...this.#standing.filter(({ id }) => id !== firing.id), firing];
    this.show(firing);
    const same = this.#standing.filter(({ alert, root }) => alert === firing.alert && root === firing.root);
    const over = new Set([...same.slice(0, -MOST_OF_ONE), ...this.#standing.slice(0, -MOST)]);
    this.#leave((each) => over.has(each));
  }

  #leave(goes) {
    const gone = this.#standing.filter(goes);
    this.#standing = this.#standing.filter((each) => !goes(each));
    for (const firing of gone) this.drop(firing);
  }
}
