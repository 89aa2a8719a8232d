// Shows why the model gives the answer on the page its label: marks in the text, or a heat map.
// The answer never waits for it: the server is asked once the answer is shown, if the switch is on.

import { percent, reason } from "./answer.js";
import { $, foreign, make, show } from "./dom.js";
import { address, ask } from "./server.js";
import { say } from "./translations.js";

const TOP = 5;
const LEAST = 0.08; // of the largest weight; smaller ones are not marked
const SVG = "http://www.w3.org/2000/svg";

let asked = null; // what the answer on the page is to: {model, version, body, picture}
let shown = null; // its explanation
let failed = null; // or why there is none
let running = null; // the AbortController of the request under way
let needKey = () => {};

/** Handles the switch; `onKey` gets a refusal for want of a key, and what to do with a key. */
export function listen(onKey) {
  needKey = onKey;
  $("why-on").addEventListener("change", () => {
    if ($("why-on").checked) return load();
    stop();
    return redraw();
  });
  $("why-retry").addEventListener("click", load);
}

/** Offers to explain an answer that is shown now, and does so if the switch is on. */
export function offer(answer, model, body, picture) {
  forget();
  const able = model.explain === true && Array.isArray(answer.data?.predictions);
  show("why", able);
  if (!able) return;
  asked = { model, version: answer.version || "", body, picture };
  if ($("why-on").checked) load();
}

/** Drops the explanation of an answer that is no longer shown. */
export function forget() {
  stop();
  asked = shown = failed = null;
  show("why", false);
  redraw();
}

/** Redraws in the current language. */
export function redraw() {
  const on = $("why-on").checked && asked !== null;
  $("why-status").textContent = on && running ? say("explaining") : "";
  $("why-status").classList.toggle("hidden-label", !running); // what follows is in sight
  show("why-problem", on && failed !== null);
  show("why-result", on && shown !== null);
  if (on && failed) drawProblem();
  if (on && shown) draw();
}

function stop() {
  if (running) running.abort();
  running = null;
}

async function load() {
  stop();
  if (!asked) return;
  const mine = (running = new AbortController());
  const { model, version, body } = asked;
  failed = null;
  redraw();
  try {
    const found = await ask(address(model.name, version, "explain"), body, mine.signal);
    if (running !== mine) return;
    shown = found.data?.explanations?.[0] || null;
    failed = shown ? null : { kind: "odd" };
  } catch (refusal) {
    if (!refusal.kind) throw refusal;
    if (running !== mine || refusal.kind === "cancelled") return;
    failed = refusal;
    if (refusal.status === 401) needKey(refusal, load);
  }
  running = null;
  redraw();
}

function drawProblem() {
  $("why-problem-text").textContent = reason(failed);
  $("why-problem-detail").textContent = failed.detail || "";
  show("why-retry", failed.kind !== "status" || failed.status === 429 || failed.status >= 500);
}

function draw() {
  const { label, probability, segments, faithfulness } = shown;
  const isText = asked.model.task === "text";
  const moves = segments.length > 0;
  show("why-text", isText && moves);
  show("why-image", !isText && moves);
  show("why-lists", moves);
  if (moves && isText) markText();
  if (moves && !isText) drawHeat();
  $("why-lists").replaceChildren(...list("for", 1), ...list("against", -1));
  const { named, probability_without_named: without, warnings = [], notes = [] } = faithfulness;
  const lines = [];
  if (!moves) lines.push(say("whyStill", label, percent(probability)));
  if (moves && named.length) lines.push(say("whyWithout", named.length, label, percent(probability), percent(without)));
  if (warnings.length) lines.push(say("whyCaution"));
  $("why-quality").replaceChildren(
    ...lines.map((text) => make("p", { text })),
    ...[...warnings, ...(moves ? notes : [])].map((text) => make("p", { name: "quiet", text })),
  );
  $("why-status").textContent = say("explained");
}

function largest() {
  return Math.max(...shown.segments.map((one) => Math.abs(one.weight)));
}

/** Returns how strongly a segment is marked: 0 for not at all, to 3. */
function level(weight, most) {
  const share = Math.abs(weight) / most;
  return share < LEAST ? 0 : Math.ceil(share * 3);
}

// The server counts code points; a string here counts an emoji twice.
function markText() {
  const points = [...shown.input];
  const most = largest();
  const parts = [];
  let done = 0;
  for (const { start, end, weight } of shown.segments) {
    const strength = level(weight, most);
    if (!strength || start < done) continue;
    parts.push(points.slice(done, start).join(""));
    const name = `${weight > 0 ? "for" : "against"} s${strength}`;
    const mark = make("mark", { name, text: points.slice(start, end).join("") });
    mark.title = signed(weight);
    parts.push(mark);
    done = end;
  }
  parts.push(points.slice(done).join(""));
  $("why-text").setAttribute("aria-label", say("whyText"));
  $("why-text").replaceChildren(...parts);
}

function drawHeat() {
  const { segments } = shown;
  const height = Math.max(...segments.map((one) => one.row + one.height));
  const width = Math.max(...segments.map((one) => one.column + one.width));
  const picture = make("img");
  picture.alt = "";
  picture.onload = () => {
    // Some models see a photo as it is stored, not as the camera was held.
    const turned = picture.naturalWidth === height && picture.naturalHeight === width;
    picture.classList.toggle("stored", turned && height !== width);
  };
  picture.src = asked.picture;
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", say("whyImage", shown.label));
  svg.append(hatch(Math.max(width, height) / 48));
  const most = largest();
  for (const one of segments) {
    if (!level(one.weight, most)) continue;
    const against = one.weight < 0;
    const { row: y, column: x } = one;
    const rect = node("rect", { x, y, width: one.width, height: one.height, class: against ? "against" : "for" });
    rect.setAttribute("opacity", 0.1 + (0.7 * Math.abs(one.weight)) / most);
    if (against) rect.setAttribute("fill", "url(#why-hatch)");
    const title = node("title", {});
    title.textContent = `${cell(one)} ${signed(one.weight)}`;
    rect.append(title);
    svg.append(rect);
  }
  $("why-image").replaceChildren(picture, svg);
}

function hatch(step) {
  const pattern = node("pattern", { id: "why-hatch", width: 2 * step, height: 2 * step, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(
    node("rect", { width: 2 * step, height: 2 * step, class: "ground" }),
    node("rect", { width: step, height: 2 * step, class: "stripe" }),
  );
  return pattern;
}

function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Returns the heading and the strongest segments for (sign 1) or against (sign -1) the label. */
function list(kind, sign) {
  const ranked = shown.segments.filter((one) => sign * one.weight > 0);
  ranked.sort((a, b) => sign * (b.weight - a.weight));
  const items = ranked.slice(0, TOP).map((one) =>
    make(
      "span",
      { name: "item" },
      make("span", { name: `sample ${kind}` }, foreign(one.text ?? cell(one))),
      ` ${signed(one.weight)}`,
    ),
  );
  const word = say(kind === "for" ? "whyFor" : "whyAgainst");
  return [
    make("dt", {}, `${word} `, foreign(shown.label)),
    make("dd", {}, ...(items.length ? items.flatMap((one) => [one, " "]) : [say("whyNothing")])),
  ];
}

function cell({ row, column, height, width }) {
  return say("whyCell", row, row + height - 1, column, column + width - 1);
}

function signed(weight) {
  return `${weight < 0 ? "−" : "+"}${Math.abs(weight).toFixed(2)}`;
}
