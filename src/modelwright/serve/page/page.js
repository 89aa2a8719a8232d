// The page to try the models, which GET v1/models lists.

import * as answer from "./answer.js";
import { lineOf, lineOfFile, plain } from "./curl.js";
import { $, foreign, lay, make, show } from "./dom.js";
import * as explanation from "./explanation.js";
import * as input from "./input.js";
import { address, ask, hasKey, useKey } from "./server.js";
import { say, addLanguageButton, translate } from "./translations.js";

const LOOK_MS = 10_000;

let models = [];
let listed = ""; // the last list as text, to draw it only when it changed
let model = null;
let running = null; // the AbortController of the request under way
let afterKey = look; // what the server refused for want of a key
let notice = "loading";

async function look() {
  let found;
  try {
    found = await ask("v1/models");
  } catch (refusal) {
    if (refusal.status === 401) return askForKey(refusal, look);
    if (!models.length) announce(refusal);
    return undefined;
  }
  show("key-form", false);
  if (!Array.isArray(found.data?.models)) return announce({ kind: "odd" });
  if (found.text === listed) return undefined;
  listed = found.text;
  models = found.data.models;
  return draw();
}

function announce(refusal) {
  notice = refusal;
  drawNotice();
}

function drawNotice() {
  const node = $("notice");
  node.hidden = notice === null;
  if (notice === null) return;
  if (notice === "loading") return node.replaceChildren(make("p", { text: say("loading") }));
  if (notice === "none") {
    node.replaceChildren(make("p", { text: say("none") }), make("p", { name: "quiet", text: say("noneHelp") }));
    return;
  }
  const again = make("button", { text: say("retry") });
  again.type = "button";
  again.addEventListener("click", look);
  const detail = notice.detail || (notice.kind === "gone" ? say("goneHelp") : "");
  node.replaceChildren(
    make("p", { text: answer.reason(notice) }),
    make("p", { name: "quiet", text: detail }),
    again,
  );
}

function draw() {
  notice = models.length ? null : "none";
  drawNotice();
  $("columns").classList.toggle("single", models.length === 0);
  const wanted = decodeHash();
  const next = models.find((one) => one.name === (wanted ?? model?.name)) || models[0] || null;
  drawList(next);
  show("model", next !== null);
  if (next) choose(next);
  else model = null;
}

function decodeHash() {
  if (!location.hash.startsWith("#/")) return null;
  try {
    return decodeURIComponent(location.hash.slice(2));
  } catch {
    return null;
  }
}

function drawList(current) {
  const items = models.map((one) => {
    const link = make(
      "a",
      {},
      foreign(one.name, "name"),
      make("span", { name: "quiet", text: `${kind(one)} · ${state(one)}` }),
    );
    link.href = `#/${encodeURIComponent(one.name)}`;
    if (one === current) link.setAttribute("aria-current", "true");
    return make("li", {}, link);
  });
  $("models").replaceChildren(...items);
}

function kind(one) {
  return say({ text: "textModel", image: "imageModel" }[one.task] || "plainModel");
}

function state(one) {
  if (one.live) return say("liveVersion", one.live);
  const last = one.versions?.at(-1);
  return say("states")[last?.state] || say("states").END;
}

function choose(next) {
  const other = model?.name !== next.name;
  const ready = model?.live;
  model = next;
  if (!("task" in model)) model.task = null;
  if (other && running) running.abort();
  if (other || !ready) {
    answer.clear(model);
    explanation.forget();
  }
  document.title = `${model.name} · Modelwright 模匠`;
  $("name").replaceChildren(foreign(model.name));
  drawAbout();
  drawVersions(other);
  $("run").textContent = say(model.task === null ? "ask" : "run");
  $("run").disabled = !model.live;
  if (!model.live) answer.remark("notReady");
  input.choose(model);
  if (other) $("signature").open = false;
  drawCurl();
}

function drawAbout() {
  const parts = [kind(model)];
  if (model.labels?.length) parts.push(say("labels", model.labels.length));
  if (model.shape) parts.push(say("size", model.shape[0], model.shape[1]));
  parts.push(state(model));
  $("about").textContent = parts.join(" · ");
}

function drawVersions(other) {
  const there = (model.versions || []).filter((one) => one.state === "AVAILABLE");
  const stored = other ? "" : $("version").value;
  show("version-choice", there.length > 1);
  const choices = [["", say("live", model.live)], ...there.map((one) => [one.version, one.version])];
  $("version").replaceChildren(
    ...choices.map(([value, text]) => {
      const option = make("option", { text });
      option.value = value;
      return option;
    }),
  );
  $("version").value = choices.some(([value]) => value === stored) ? stored : "";
}

function path() {
  return address(model.name, $("version").value, "predict");
}

function drawCurl() {
  const { body, file } = input.body();
  $("curl").textContent = file ? lineOfFile(path(), file, hasKey()) : lineOf(path(), plain(body), hasKey());
  const notes = [hasKey() && say("curlKey"), file && say("curlFile")].filter(Boolean);
  show("curl-note", notes.length > 0);
  $("curl-note").textContent = notes.join(" ");
}

async function predict() {
  if (!model?.live) return;
  const { body, missing } = input.body();
  if (missing) {
    answer.remark(missing);
    return answer.reveal();
  }
  if (running) running.abort();
  const mine = (running = new AbortController());
  const asked = model;
  const picture = input.pictureUrl();
  answer.busy(true);
  explanation.forget();
  try {
    const found = await ask(path(), body, mine.signal);
    answer.present(found, asked);
    explanation.offer(found, asked, body, picture);
    if (found.version && found.version !== asked.live) look();
  } catch (refusal) {
    if (!refusal.kind) throw refusal;
    if (refusal.kind === "cancelled") return;
    if (refusal.status === 401) {
      answer.clear(asked);
      askForKey(refusal, predict);
    } else {
      answer.refuse(refusal, predict);
    }
  } finally {
    if (running === mine) {
      running = null;
      answer.busy(false);
      if (model === asked && $("key-form").hidden) answer.reveal();
    }
  }
}

function askForKey(refusal, then) {
  afterKey = then;
  const first = $("key-form").hidden;
  show("key-form", true);
  show("key-problem", hasKey());
  $("key-problem").textContent = refusal.detail || say("keyWrong");
  useKey("");
  if (!models.length) {
    notice = null;
    drawNotice();
    $("columns").classList.add("single");
  }
  if (first) $("key").focus();
}

function listenToKey() {
  $("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const fit = useKey($("key").value.trim());
    $("key").value = "";
    show("key-problem", !fit);
    $("key-problem").textContent = say("keyWrong");
    if (!fit) return;
    const refused = afterKey;
    await look(); // shows the form again where the key is wrong
    if (model) drawCurl();
    if ($("key-form").hidden && refused !== look) refused();
  });
}

function listenToCopy() {
  $("copy").addEventListener("click", async () => {
    const copied = await copy($("curl").textContent);
    $("copied").textContent = say(copied ? "copied" : "notCopied");
    $("copy").textContent = $("copied").textContent;
    setTimeout(() => ($("copy").textContent = say("copy")), 2000);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS a browser allows the clipboard only on localhost: leave the line selected.
    getSelection().selectAllChildren($("curl"));
    return document.execCommand("copy");
  }
}

function listenToSignature() {
  $("signature").addEventListener("toggle", async () => {
    if (!$("signature").open) return;
    const asked = model;
    try {
      const found = await ask(`${address(asked.name, $("version").value)}/metadata`);
      if (asked === model) $("metadata").textContent = found.data ? lay(found.data) : found.text;
    } catch (refusal) {
      $("metadata").textContent = refusal.detail || answer.reason(refusal);
    }
  });
}

function start() {
  addLanguageButton(() => {
    drawNotice();
    if (model) {
      drawList(model);
      answer.redraw(model);
      explanation.redraw();
      choose(model);
    }
  });
  translate();
  drawNotice();
  input.listen((problem) => {
    if (problem) answer.remark(problem);
    drawCurl();
  }, predict);
  answer.listen();
  explanation.listen(askForKey);
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    predict();
  });
  $("version").addEventListener("change", drawCurl);
  addEventListener("hashchange", () => models.length && draw());
  listenToKey();
  listenToCopy();
  listenToSignature();
  look();
  setInterval(() => document.hidden || !$("key-form").hidden || look(), LOOK_MS);
}

start();
