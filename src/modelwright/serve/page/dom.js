// Helpers for elements, which never parse text as HTML.

/** Returns the element with this id. */
export const $ = (id) => document.getElementById(id);

/** Returns a new element with a class, a text and children. */
export function make(tag, { name = "", text = "" } = {}, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== "") node.textContent = text;
  node.append(...children);
  return node;
}

/** Shows or hides an element. */
export function show(id, visible) {
  $(id).hidden = !visible;
}

/** Returns JSON with short parts on one line. */
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

/** Returns an element for foreign text, isolated so that its direction affects no other text. */
export function foreign(text, name = "") {
  return make("bdi", { name, text });
}
