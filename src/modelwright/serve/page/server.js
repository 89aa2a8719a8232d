// Requests to the server, and what can come back. The key lives in this module's memory only.

const LIMIT_MS = 120_000;

let key = "";

/** Use this key from now on; false, and none, where it can't stand in a header. */
export function useKey(value) {
  const fit = /^[\x21-\x7e]*$/.test(value);
  key = fit ? value : "";
  return fit;
}

/** Whether requests carry a key. */
export function hasKey() {
  return key !== "";
}

/** Why there is no answer: `kind` is "gone", "slow", "cancelled" or "status". */
export class Refusal extends Error {
  constructor(kind, status = 0, detail = "", wait = 0) {
    super(detail || kind);
    this.kind = kind;
    this.status = status;
    this.detail = detail; // the server's own words
    this.wait = wait; // seconds until it may be tried again
  }
}

/** The address of a model, or of one of its versions, relative to this page. */
export function address(name, version = "", verb = "") {
  const numbered = version ? `/versions/${encodeURIComponent(version)}` : "";
  return `v1/models/${encodeURIComponent(name)}${numbered}${verb && `:${verb}`}`;
}

/**
 * Ask, and give {text, data, version, request, ms}: the answer as text and as data (null where
 * it isn't strict JSON, as with NaN), who answered, and the time there and back.
 */
export async function ask(path, body = null, cancel = null) {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const options = { headers: {}, cache: "no-store", signal: limit, credentials: "same-origin" };
  if (cancel) options.signal = AbortSignal.any([limit, cancel]);
  if (key) options.headers.Authorization = `Bearer ${key}`;
  if (body !== null) {
    options.method = "POST";
    options.body = body;
    options.headers["Content-Type"] = "application/json";
  }
  const start = performance.now();
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch {
    if (cancel && cancel.aborted) throw new Refusal("cancelled");
    throw new Refusal(limit.aborted ? "slow" : "gone");
  }
  const ms = performance.now() - start;
  let data = null;
  try {
    data = JSON.parse(text);
  } catch {
    // Not every answer is JSON, and a proxy's error never is.
  }
  if (!response.ok) {
    const detail = data && typeof data.error === "string" ? data.error : "";
    const wait = Number.parseInt(response.headers.get("retry-after"), 10);
    throw new Refusal("status", response.status, detail, wait > 0 ? Math.min(wait, 3600) : 0);
  }
  const version = response.headers.get("x-model-version");
  return { text, data, version, request: response.headers.get("x-request-id"), ms };
}
