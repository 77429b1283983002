// Telling people: in a corner of the page, and to screen readers.
import { h } from "./dom.js";

const SHOWN_MS = 5000;
const BAD_MS = 9000;

/** Say that something was done. */
export function say(text) {
  toast(text, "");
  announce(text);
}

/** Say that something failed. */
export function complain(error) {
  toast(error.message, "bad");
  announce(error.message, "assertive");
}

/** Have a screen reader say it: politely, or at once. */
export function announce(text, how = "polite") {
  const place = document.getElementById(how);
  place.append(h("p", {}, text));
  while (place.children.length > 3) place.firstElementChild.remove();
}

/** Do something that may be refused, with its button disabled meanwhile; true where it was done. */
export async function attempt(button, act, done) {
  if (button) button.disabled = true;
  try {
    const answer = await act();
    const told = typeof done === "function" ? done(answer) : done;
    if (told) say(told);
    return true;
  } catch (error) {
    complain(error);
    return false;
  } finally {
    if (button) button.disabled = false;
  }
}

function toast(text, kind) {
  const shown = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), kind ? BAD_MS : SHOWN_MS);
}
