// Showing that this browser knows the token, and calling the desk.

let key = null;

/** What the desk answered when it refused; the message is for people. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Open the session: by the token in the address's fragment, else by the cookie of an earlier time. */
export async function openSession() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    // Out of the address at once, so that it is neither copied nor kept in the history.
    history.replaceState(null, "", location.pathname);
    return openWith(given);
  }
  key = (await call("GET", "/api/session")).key;
  return undefined;
}

/** Open the session with a token. */
export async function openWith(token) {
  key = (await call("POST", "/api/session", { token })).key;
}

/** Ask the desk for something. */
export const get = (path) => call("GET", path);

/** Have the desk do something. */
export const post = (path, body) => call("POST", `/api/${path}`, body);

async function call(method, path, body) {
  const headers = key === null ? {} : { "X-Tocsin-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused("the desk does not answer: is `tocsin desk` still running?", 0);
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(content.error ?? `the desk answered ${answer.status}`, answer.status);
  return content;
}
