// Making elements. Texts become text nodes alone: nothing that comes from outside is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("p", {class: "muted", onclick}, "text", child, null)`. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An element of a drawing. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    // Of these, false says something too.
    if (name.startsWith("aria-")) {
      element.setAttribute(name, String(value));
      continue;
    }
    if (value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put children in the place of all that an element has. */
export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * Make a container show one element for each item, in order. An element is made anew only where its item is another
 * one now, so that focus, open details and selected text stay; focus moves to the new element's same control.
 */
export function sync(container, items, keyOf, sign, render) {
  const before = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const isFirst = container.dataset.filled === undefined;
  const wanted = items.map((item) => {
    const key = String(keyOf(item));
    const signature = JSON.stringify(sign(item));
    const standing = before.get(key);
    if (standing?.dataset.sign === signature) return standing;
    const made = render(item);
    made.dataset.key = key;
    made.dataset.sign = signature;
    if (standing) keepState(standing, made);
    else if (!isFirst) made.classList.add("arrives");
    return made;
  });
  container.dataset.filled = "";
  const focused = focusPath(container);
  wanted.forEach((element, place) => {
    if (container.children[place] !== element) container.insertBefore(element, container.children[place] ?? null);
  });
  while (container.children.length > wanted.length) container.lastElementChild.remove();
  if (focused && !container.contains(document.activeElement)) restoreFocus(container, focused);
}

function keepState(old, made) {
  old.querySelectorAll("details[data-part]").forEach((details) => {
    const same = made.querySelector(`details[data-part="${details.dataset.part}"]`);
    if (same) same.open = details.open;
  });
}

function focusPath(container) {
  const active = document.activeElement;
  if (!active || !container.contains(active) || active === container) return null;
  let row = active;
  while (row.parentElement !== container) row = row.parentElement;
  return { key: row.dataset.key, part: active.dataset?.part };
}

function restoreFocus(container, { key, part }) {
  const row = [...container.children].find((child) => child.dataset.key === key);
  const control = part && row && [...row.querySelectorAll("[data-part]")].find((one) => one.dataset.part === part);
  (control || row?.querySelector("button, a, summary"))?.focus({ preventScroll: true });
}

/** A line of an empty list: what it would show, and what to do. */
export function empty(title, ...advice) {
  return h("div", { class: "empty" }, h("strong", {}, title), ...advice);
}
