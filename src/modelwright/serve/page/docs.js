// Shows the server's OpenAPI document. Its texts stay English; only the headings are translated.

import { $, lay, make } from "./dom.js";
import { ask } from "./server.js";
import { say, addLanguageButton } from "./translations.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

let description = null;

function resolve(node) {
  if (!node?.$ref) return node;
  return node.$ref
    .slice(2)
    .split("/")
    .reduce((at, part) => at[part.replaceAll("~1", "/").replaceAll("~0", "~")], description);
}

function draw() {
  $("lead").textContent = description.info.description;
  const groups = description.tags.map((tag) => {
    const section = make("section", {}, make("h2", { text: tag.name }), make("p", { name: "quiet", text: tag.description }));
    section.lang = "en";
    return [tag.name, section];
  });
  const sections = new Map(groups);
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS.filter((one) => one in item)) {
      sections.get(item[method].tags[0]).append(operation(method, path, item));
    }
  }
  $("operations").replaceChildren(...sections.values());
}

function operation(method, path, item) {
  const one = item[method];
  const summary = make(
    "summary",
    {},
    make("span", { name: "method", text: method.toUpperCase() }),
    make("code", { text: path }),
    make("span", { name: "quiet", text: one.summary }),
  );
  const inside = make("div", {}, make("p", {}, ...marked(one.description || "")));
  const parameters = [...(item.parameters || []), ...(one.parameters || [])].map(resolve);
  if (parameters.length) {
    inside.append(heading("parameters"), table(parameters.map((p) => [p.name, told(p)])));
  }
  if (one.requestBody) inside.append(heading("body"), ...examples(resolve(one.requestBody)));
  inside.append(heading("responses"));
  const rows = Object.entries(one.responses).map(([code, answer]) => [code, resolve(answer).description]);
  inside.append(table(rows));
  for (const [code, answer] of Object.entries(one.responses)) {
    if (code.startsWith("2")) inside.append(...examples(resolve(answer)));
  }
  return make("details", { name: "operation" }, summary, inside);
}

// Returns text in which `code` is marked; the document has no other markup.
function marked(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", { text: part }) : part));
}

function told(parameter) {
  return parameter.required ? `${parameter.description} (${say("required")})` : parameter.description;
}

function heading(key) {
  const node = make("h3", { text: say(key) });
  node.lang = document.documentElement.lang;
  return node;
}

function table(rows) {
  const lines = rows.map(([name, text]) => make("tr", {}, make("td", { text: name }), make("td", { text })));
  return make("table", {}, make("tbody", {}, ...lines));
}

function examples(holder) {
  const found = [];
  for (const media of Object.values(holder.content || {})) {
    for (const example of Object.values(media.examples || {})) {
      const { summary = "", value } = resolve(example);
      const text = typeof value === "string" ? value : lay(value);
      if (summary) found.push(make("p", { name: "quiet", text: summary }));
      found.push(make("pre", { text }));
    }
  }
  return found;
}

async function start() {
  addLanguageButton(() => description && draw());
  try {
    description = (await ask("openapi.json")).data;
    draw();
  } catch {
    $("lead").textContent = say("docsGone");
  }
}

start();
