// What the page knows: documents by section and key, as the desk tells them, and who wants to hear of changes.

const sections = new Map();
const listeners = [];
let dirty = new Set();
let timer = null;

export const state = { about: null, status: { loaded: false, problem: null, per_second: 0 }, connected: false };

/** Documents of a section, by key. */
export function section(name) {
  if (!sections.has(name)) sections.set(name, new Map());
  return sections.get(name);
}

export const docs = (name) => [...section(name).values()];
export const doc = (name, key) => section(name).get(key);

/** Have a function called, soon after, whenever something in one of these sections has changed. */
export function listen(names, draw) {
  listeners.push({ names: new Set(names), draw });
}

/** Say that something has changed. */
export function touch(...names) {
  names.forEach((name) => dirty.add(name));
  // Many changes, one drawing; and not by animation frames, which a hidden page does not get.
  timer ??= setTimeout(draw, 30);
}

export function takeSnapshot({ about, status, sections: given }) {
  const names = new Set([...sections.keys(), ...Object.keys(given)]);
  for (const name of names) sections.set(name, new Map(Object.entries(given[name] ?? {})));
  state.about = about;
  state.status = status;
  touch("about", "status", ...names);
}

export function takeChanges(changes) {
  for (const { section: name, key, doc: changed } of changes) {
    if (changed === null) section(name).delete(key);
    else section(name).set(key, changed);
  }
  touch(...changes.map((change) => change.section));
}

export function takeStatus(status) {
  state.status = status;
  touch("status");
}

function draw() {
  timer = null;
  const changed = dirty;
  dirty = new Set();
  for (const { names, draw: redraw } of listeners) {
    if ([...names].some((name) => changed.has(name))) redraw(changed);
  }
}
