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

/** A text that comes from outside: alone in its direction, so that it can't turn its neighbours'. */
export function foreign(text, name = "") {
  return make("bdi", { name, text });
}
