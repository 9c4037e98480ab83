import assert from "node:assert/strict";
import { test } from "node:test";

import { Rows } from "../../static/js/ui/rows.js";

/** As much of a table's body as rows need. */
class Body {
  children = [];
  moves = 0;

  insertBefore(node, before) {
    this.moves += 1;
    this.children = this.children.filter((each) => each !== node);
    const at = before === null ? this.children.length : this.children.indexOf(before);
    this.children.splice(at, 0, node);
    node.remove = () => (this.children = this.children.filter((each) => each !== node));
  }
}

function table() {
  const body = new Body();
  const rows = new Rows(body, () => ({ root: {} }));
  const draw = (names) => rows.draw([...names], (name) => name, (row, name) => (row.root.name = name));
  return { body, draw, shown: () => body.children.map(({ name }) => name).join("") };
}

test("rows stand in the order of the items, whatever it was before", () => {
  const { draw, shown } = table();
  for (const names of ["abc", "cab", "b", "", "xbay", "yabx"]) {
    draw(names);
    assert.equal(shown(), names);
  }
});

test("a row that stays is the same node, and where nothing moves none is touched", () => {
  const { body, draw } = table();
  draw("abc");
  const [, b] = body.children;
  const { moves } = body;
  draw("abc");
  assert.equal(body.moves, moves);
  draw("zb");
  assert.equal(body.children[1], b);
});
