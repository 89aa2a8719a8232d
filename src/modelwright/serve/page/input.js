// The input for a model: a text, an image or instances in JSON, remembered for each model.

import { $, make, show } from "./dom.js";
import { say } from "./translations.js";

const KINDS = ["image/png", "image/jpeg", "image/gif", "image/bmp"];
const MAGIC = { iVBOR: "png", "/9j/": "jpeg", R0lGO: "gif", Qk: "bmp" };
const PLAIN = "[1.0, 2.0, 5.0]";

const inputs = new Map(); // name of a model: {text, json, picture}

let model = null;
let changed = () => {};
let asked = () => {};

/** Calls `onChange` on each change, with the key of a text if a file is refused; calls `onAsk` to send at once. */
export function listen(onChange, onAsk) {
  changed = onChange;
  asked = onAsk;
  for (const id of ["text", "json"]) {
    $(id).addEventListener("input", () => {
      memory()[id] = $(id).value;
      changed();
    });
    $(id).addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) asked();
    });
  }
  $("file").addEventListener("change", () => {
    if ($("file").files.length) take($("file").files[0]);
  });
  listenToDrops();
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file && model && model.task === "image") take(file);
  });
}

function listenToDrops() {
  // An image that is dropped next to the field must not replace the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    const file = event.dataTransfer.files[0];
    if (file && model && model.task === "image") take(file);
  });
  $("drop").addEventListener("dragenter", () => $("drop").classList.add("over"));
  $("drop").addEventListener("dragleave", (event) => {
    if (!$("drop").contains(event.relatedTarget)) $("drop").classList.remove("over");
  });
}

function memory() {
  if (!inputs.has(model.name)) inputs.set(model.name, { text: "", json: PLAIN, picture: null });
  return inputs.get(model.name);
}

/** Shows the input field for a model, with its last content, in the current language. */
export function choose(next) {
  model = next;
  show("text-input", model.task === "text");
  show("image-input", model.task === "image");
  show("json-input", model.task === null);
  for (const id of ["text", "json"]) {
    if ($(id).value !== memory()[id]) $(id).value = memory()[id];
  }
  $("text").placeholder = say("textHint");
  drawPicture();
  drawExamples();
}

function drawPicture() {
  const { picture } = memory();
  const preview = $("preview");
  preview.hidden = !picture;
  if (picture) preview.src = picture.url;
  else preview.removeAttribute("src");
  preview.alt = picture ? picture.name : "";
  $("choose").textContent = say(picture ? "another" : "choose");
  $("file-name").textContent = picture ? picture.name : say("kinds");
}

function drawExamples() {
  const examples = (model.examples || []).filter(usable).slice(0, 8);
  show("examples", examples.length > 0);
  $("examples").querySelector("ul").replaceChildren(...examples.map(button));
}

function usable(example) {
  if (!example || typeof example !== "object") return false;
  if (model.task === "text") return typeof example.input_text === "string";
  return model.task === "image" && typeof example.image_bytes?.b64 === "string";
}

function button(example, index) {
  const node = make("button", { name: "example" });
  node.type = "button";
  if (model.task === "text") {
    node.textContent = example.input_text;
    node.title = example.input_text;
    node.dir = "auto";
    node.addEventListener("click", () => {
      $("text").value = memory().text = example.input_text;
      changed();
      asked();
    });
  } else {
    const b64 = example.image_bytes.b64;
    const kind = Object.entries(MAGIC).find(([start]) => b64.startsWith(start))?.[1] || "png";
    const picture = make("img");
    picture.src = `data:image/${kind};base64,${b64}`;
    picture.alt = say("examplePicture", index + 1);
    node.append(picture);
    node.addEventListener("click", () => {
      memory().picture = { b64, url: picture.src, name: `${index + 1}.${kind}` };
      drawPicture();
      changed();
      asked();
    });
  }
  return make("li", {}, node);
}

/** Uses a file as the image, and sends the request. */
async function take(file) {
  const owner = model;
  if (!KINDS.includes(file.type)) {
    changed("notPicture");
    return;
  }
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
  $("file").value = ""; // so that the same file can be chosen again
  if (owner !== model || !url) return;
  memory().picture = { b64: url.slice(url.indexOf(",") + 1), url, name: file.name };
  drawPicture();
  changed();
  asked();
}

/** Returns {body, file}: the text to send and an image's name; or {missing}, the key of a text. */
export function body() {
  const { text, json, picture } = memory();
  if (model.task === "text") {
    if (text.trim() === "") return { missing: "noText", body: instances({ input_text: "…" }) };
    return { body: instances({ input_text: text }) };
  }
  if (model.task === "image") {
    if (!picture) return { missing: "noPicture", file: "picture.png" };
    return { body: instances({ image_bytes: { b64: picture.b64 } }), file: picture.name };
  }
  if (json.trim() === "") return { missing: "noJson", body: `{"instances":${PLAIN}}` };
  return { body: whole(json) ? json : `{"instances":${json}}` };
}

/** Returns the address of the chosen image, or null. */
export function pictureUrl() {
  return memory().picture?.url ?? null;
}

function instances(one) {
  return JSON.stringify({ instances: [one] });
}

// A whole body (with a signature's name or columns) is sent unchanged. So is text that is not JSON
// here: the server accepts NaN, and has better error messages.
function whole(json) {
  try {
    const value = JSON.parse(json);
    return !Array.isArray(value) && ("instances" in value || "inputs" in value);
  } catch {
    return false;
  }
}
