// The request of the page as a line for a shell, with nothing in it that a shell would run.

// What a terminal or an eye could be fooled by (controls, direction marks) is written as \uXXXX.
const UNSEEN = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** One word for sh, bash and zsh, whatever is in it. */
export function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** JSON of one line, safe to look at in a terminal. */
export function json(value) {
  return plain(JSON.stringify(value));
}

/** Text that is JSON already. */
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

/** A line that sends a body. */
export function lineOf(path, body, withKey) {
  return `curl ${header(withKey)}-d ${quote(body)} ${target(path)}`;
}

/** A line that sends a picture's file; it runs where base64 has no option -w too. */
export function lineOfFile(path, file, withKey) {
  const form = `'{"instances":[{"image_bytes":{"b64":"%s"}}]}'`;
  return `printf ${form} "$(base64 < ${quote(safeName(file))} | tr -d '\\n')" | curl ${header(withKey)}-d @- ${target(path)}`;
}

// A name with controls in it can't be shown and copied; a person puts the right one in.
function safeName(file) {
  return file.replace(/[\u0000-\u001f]/g, "?").replace(UNSEEN, "?");
}
