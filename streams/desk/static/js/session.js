// Showing that this browser knows the token, and calling the desk.

let key = null;
let person = { name: null, read_only: false };

/** Whose token this is, where it is anybody's own; and whether it may only look. */
export const owner = () => person;

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
  keep(await call("GET", "/api/session"));
  return undefined;
}

/** Open the session with a token. */
export async function openWith(token) {
  keep(await call("POST", "/api/session", { token }));
}

function keep(session) {
  key = session.key;
  person = { name: session.name, read_only: session.read_only };
  // Styles hide what would change something.
  document.documentElement.toggleAttribute("data-read-only", person.read_only);
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
