/** Keeps the rows of a table body in step with a list; a row stays the same node, so that what is clicked does not move away. */
export class Rows {
  #known = new Map();

  /** make: () → an object with `root` and `update`. */
  constructor(body, make) {
    Object.assign(this, { body, make });
  }

  /** Draws the items in their order; key: item → what names it; update: (row, item) fills it. */
  draw(items, key, update) {
    const keys = new Set(items.map(key));
    for (const [name, row] of this.#known) {
      if (keys.has(name)) continue;
      row.root.remove();
      this.#known.delete(name);
    }
    items.forEach((item, index) => {
      const name = key(item);
      if (!this.#known.has(name)) this.#known.set(name, this.make());
      const row = this.#known.get(name);
      update(row, item);
      const there = this.body.children[index];
      if (there !== row.root) this.body.insertBefore(row.root, there ?? null);
    });
  }
}
