// Requests to the server, and their possible results. Only this module's memory holds the key.

const LIMIT_MS = 120_000;

let key = "";

/** Sets the key; returns false and uses none if it cannot be in a header. */
export function useKey(value) {
  const fit = /^[\x21-\x7e]*$/.test(value);
  key = fit ? value : "";
  return fit;
}

/** Whether requests carry a key. */
export function hasKey() {
  return key !== "";
}

/** The reason why there is no answer: `kind` is "gone", "slow", "cancelled" or "status". */
export class Refusal extends Error {
  constructor(kind, status = 0, detail = "", wait = 0) {
    super(detail || kind);
    this.kind = kind;
    this.status = status;
    this.detail = detail; // the server's own words
    this.wait = wait; // seconds until it may be tried again
  }
}

/** Returns the address of a model, or of one of its versions, relative to this page. */
export function address(name, version = "", verb = "") {
  const numbered = version ? `/versions/${encodeURIComponent(version)}` : "";
  return `v1/models/${encodeURIComponent(name)}${numbered}${verb && `:${verb}`}`;
}

/**
 * Sends a request and returns {text, data, version, request, ms}: the answer as text and as data
 * (null if it is not strict JSON, as with NaN), the version, the request's id and the time.
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
    // Not every answer is JSON, for example a proxy's error.
  }
  if (!response.ok) {
    const detail = data && typeof data.error === "string" ? data.error : "";
    const wait = Number.parseInt(response.headers.get("retry-after"), 10);
    throw new Refusal("status", response.status, detail, wait > 0 ? Math.min(wait, 3600) : 0);
  }
  const version = response.headers.get("x-model-version");
  return { text, data, version, request: response.headers.get("x-request-id"), ms };
}
