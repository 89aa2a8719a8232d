// Writes the page's request as a line for a shell, quoted so that a shell runs nothing else.

// Control characters and direction marks, which could mislead a reader, become \uXXXX.
const UNSEEN = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Quotes a text as one argument for sh, bash and zsh. */
export function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Returns JSON in one line that is safe to show in a terminal. */
export function json(value) {
  return plain(JSON.stringify(value));
}

/** Does the same for text that is JSON already. */
export function plain(text) {
  return text.replace(UNSEEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
}

function target(path) {
  const url = new URL(path, document.baseURI).href;
  return /^[\w:/.%-]+$/.test(url) ? url : quote(url);
}

function header(withKey) {
  return withKey ? `-H "Authorization: Bearer $KEY" ` : "";
}

/** Returns a line that sends a body. */
export function lineOf(path, body, withKey) {
  return `curl ${header(withKey)}-d ${quote(body)} ${target(path)}`;
}

/** Returns a line that sends an image file; it works without the option -w of base64 too. */
export function lineOfFile(path, file, withKey) {
  const form = `'{"instances":[{"image_bytes":{"b64":"%s"}}]}'`;
  return `printf ${form} "$(base64 < ${quote(safeName(file))} | tr -d '\\n')" | curl ${header(withKey)}-d @- ${target(path)}`;
}

// A name with control characters cannot be copied; the user must enter the right name.
function safeName(file) {
  return file.replace(/[\u0000-\u001f]/g, "?").replace(UNSEEN, "?");
}
