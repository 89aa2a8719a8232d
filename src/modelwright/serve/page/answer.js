// Shows the server's answer as bars or as text, or the reason why there is none.

import { $, foreign, make, show } from "./dom.js";
import { say } from "./translations.js";

const FIRST = 10;

let shown = null; // the answer on the page: {answer, model, all}
let failed = null; // or why there is none: {refusal, again}
let timer = 0;

/** Shows that no request was sent yet. */
export function clear(model) {
  shown = null;
  $("empty").textContent = say(model && model.task === null ? "emptyRaw" : "empty");
  $("said").textContent = "";
  show("empty", true);
  show("result", false);
  hideProblem();
}

/** Shows that a request is under way, and the last answer paler. */
export function busy(on) {
  $("answer").setAttribute("aria-busy", String(on));
  if (on) hideProblem();
  if (on && !shown) $("empty").textContent = say("running");
}

/** Redraws the answer in the current language. */
export function redraw(model) {
  if (failed) refuse(failed.refusal, failed.again);
  else if (shown) draw();
  else clear(model);
}

/** Shows an answer of `ask`. */
export function present(answer, model) {
  shown = { answer, model, all: false };
  hideProblem();
  show("empty", false);
  show("result", true);
  draw();
}

/** Scrolls to the answer, which is below the input on a phone. */
export function reveal() {
  const { top } = $("answer").getBoundingClientRect();
  if (top > innerHeight - 120) $("answer").scrollIntoView({ block: "start" });
}

function draw() {
  const { answer, model } = shown;
  const ranked = rank(answer, model);
  const version = answer.version || say("unknown");
  const ms = milliseconds(answer.ms);
  show("best", ranked !== null);
  show("bars", ranked !== null);
  show("raw", ranked === null);
  if (ranked) {
    const [label, probability] = ranked[0];
    $("best").replaceChildren(foreign(label), make("span", { text: percent(probability) }));
    $("said").textContent = say("said", label, percent(probability), version, ms);
    bars(ranked);
  } else {
    $("raw").textContent = answer.text;
    $("said").textContent = say("saidRaw", version, ms);
    show("more", false);
  }
  $("facts").replaceChildren(
    ...fact("answeredBy", say("versionNumber", version)),
    ...fact("time", say("took", ms)),
    ...(answer.request ? fact("request", answer.request) : []),
  );
}

/** Returns labels with probabilities, best first; null if the answer has none. */
function rank(answer, model) {
  const first = model.task !== null && answer.data?.predictions?.[0];
  const values = first && first.probabilities;
  if (!Array.isArray(values) || !values.length || !values.every(Number.isFinite)) return null;
  // The list of models has the labels of the live version. Another version may have others, so
  // labels that are not certain are numbered.
  const best = values.indexOf(Math.max(...values));
  const labels = model.labels || [];
  const same = labels.length === values.length && (!first.label || labels[best] === first.label);
  const named = values.map((value, i) => {
    if (same) return [labels[i], value];
    return [i === best && first.label ? first.label : say("classNumber", i), value];
  });
  return named.sort((a, b) => b[1] - a[1]);
}

function bars(ranked) {
  const rows = ranked.slice(0, shown.all ? ranked.length : FIRST).map(([label, probability]) => {
    const bar = make("i");
    bar.style.width = `${Math.max(0, Math.min(1, probability)) * 100}%`;
    const row = make(
      "li",
      {},
      foreign(label, "label"),
      make("span", { name: "share", text: percent(probability) }),
      make("span", { name: "bar" }, bar),
    );
    row.lastChild.setAttribute("aria-hidden", "true");
    row.title = String(probability);
    return row;
  });
  $("bars").replaceChildren(...rows);
  show("more", ranked.length > FIRST);
  $("more").textContent = shown.all ? say("fewer") : say("all", ranked.length);
  $("more").setAttribute("aria-expanded", String(shown.all));
}

function fact(key, value) {
  return [make("dt", { text: say(key) }), make("dd", {}, foreign(value))];
}

/** Returns a probability as text; shows 100 % and 0 % only for exactly these values. */
export function percent(value) {
  if (value > 0 && value < 0.0005) return "< 0.1 %";
  if (value < 1 && value >= 0.9995) return "> 99.9 %";
  return `${(value * 100).toFixed(1)} %`;
}

function milliseconds(ms) {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0);
}

/** Shows why there is no answer; the button calls `again`. */
export function refuse(refusal, again = null) {
  hideProblem();
  failed = { refusal, again };
  show("problem", true);
  show("empty", false);
  show("result", false);
  shown = null;
  $("said").textContent = "";
  $("problem-text").textContent = reason(refusal);
  $("problem-detail").textContent = refusal.detail || (refusal.kind === "gone" ? say("goneHelp") : "");
  const retry = $("retry");
  const worth = again !== null && (refusal.kind !== "status" || refusal.status === 429 || refusal.status >= 500);
  retry.hidden = !worth;
  retry.onclick = again;
  if (worth) countDown(retry, refusal.wait);
}

/** Shows a problem that was found before sending a request. */
export function remark(key) {
  refuse({ kind: key, detail: "" });
}

/** Returns the message for a refusal in the current language. */
export function reason({ kind, status }) {
  if (kind !== "status") return say(kind);
  const known = { 400: "refused", 403: "forbidden", 404: "noSuch", 413: "large", 429: "tooMany", 503: "full", 504: "slow" };
  return known[status] ? say(known[status]) : say("failed", status);
}

function countDown(button, seconds) {
  button.disabled = seconds > 0;
  button.textContent = seconds > 0 ? say("retryIn", seconds) : say("retry");
  if (seconds > 0) timer = setTimeout(countDown, 1000, button, seconds - 1);
}

function hideProblem() {
  clearTimeout(timer);
  failed = null;
  if ($("problem").contains(document.activeElement)) $("run").focus();
  show("problem", false);
}

/** Handles the button that shows all labels. */
export function listen() {
  $("more").addEventListener("click", () => {
    shown.all = !shown.all;
    draw();
  });
}
