/** Small helpers for modules that own one DOM root. */

/** An element: `el("span", {class: "dim", title: "…"}, "text", child)`. Null attributes are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets text only where it changes: an unchanged node costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute, only where it changes. */
export function setAttribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Shows or hides a node. */
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** A function that gives the width of a text in pixels, in a font as a canvas takes it. */
export function textMeasure(font) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = font;
  return (text) => canvas.measureText(text).width;
}

/**
 * Keeps the keyboard on the workspace when the mouse works under `root`: a clicked button does not take the
 * focus, a select that was changed by mouse gives it back. Reached with Tab, both behave as usual.
 */
export function mouseKeepsFocus(root, signal) {
  let byPointer = false;
  root.addEventListener("pointerdown", () => (byPointer = true), { signal });
  root.addEventListener("keydown", () => (byPointer = false), { signal });
  root.addEventListener(
    "mousedown",
    (event) => {
      if (!event.target.closest("button[data-action]")) return;
      event.preventDefault();
      if (document.activeElement?.matches("input, select, textarea")) document.activeElement.blur();
    },
    { signal },
  );
  root.addEventListener(
    "change",
    (event) => {
      if (byPointer && event.target.matches("select")) event.target.blur();
    },
    { signal },
  );
}
