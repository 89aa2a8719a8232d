// Elements, made without ever reading text as HTML.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** A new element with a class, a text and children. */
export function make(tag, { name = "", text = "" } = {}, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== "") node.textContent = text;
  node.append(...children);
  return node;
}

/** Show or hide. */
export function show(id, visible) {
  $(id).hidden = !visible;
}

/** JSON with what is short on one line. */
export function lay(value, indent = "") {
  const line = JSON.stringify(value);
  if (line === undefined || line.length + indent.length < 76 || typeof value !== "object") return line;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((one) => lay(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${lay(one, inner)}`);
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

/** A text that comes from outside: alone in its direction, so that it can't turn its neighbours'. */
export function foreign(text, name = "") {
  return make("bdi", { name, text });
}
