const KEY = "futsim.exits";
const LONGEST = 40;

/** Named brackets, kept in this browser: name → the texts of a bracket's fields. */
export class Templates {
  constructor(storage) {
    this.storage = storage;
  }

  names() {
    return Object.keys(this.#all()).sort((a, b) => a.localeCompare(b));
  }

  get(name) {
    const all = this.#all();
    return Object.hasOwn(all, name) ? all[name] : null;
  }

  /** Keeps a bracket under a name, over one that has it already; what is wrong with the name, or null. */
  save(name, fields) {
    if (!name.trim() || name.length > LONGEST) return `A name has 1 to ${LONGEST} letters.`;
    return this.#write({ ...this.#all(), [name.trim()]: fields });
  }

  remove(name) {
    const { [name]: gone, ...others } = this.#all();
    this.#write(others);
    return gone !== undefined;
  }

  /** What another version of the page, or a person, has left there may be anything. */
  #all() {
    try {
      const kept = JSON.parse(this.storage.getItem(KEY) ?? "{}");
      return Object.fromEntries(Object.entries(kept).filter(([, fields]) => Array.isArray(fields?.targets)));
    } catch {
      return {};
    }
  }

  #write(all) {
    try {
      this.storage.setItem(KEY, JSON.stringify(all));
      return null;
    } catch {
      return "This browser keeps nothing for the page.";
    }
  }
}
