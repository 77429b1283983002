// Keyboard shortcuts: of the page as a whole, and of what is shown now.
import { h } from "./dom.js";
import { show } from "./dialog.js";

const everywhere = [
  ["g n", "Now"],
  ["g r", "Replies"],
  ["g l", "Labels"],
  ["g m", "Models"],
  ["?", "These shortcuts"],
];
const pages = { n: "now", r: "replies", l: "labels", m: "models" };
const byPage = new Map();
let waitsForPage = false;

/** Keys of one page: `[[keys, what], ...]` to be listed, and what is called with each key pressed there. */
export function keysOf(page, listed, press) {
  byPage.set(page, { listed, press });
}

/** Listen; `current` tells the page that is shown, `go` shows another. */
export function listenToKeys(current, go) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) return;
    if (waitsForPage) {
      waitsForPage = false;
      if (pages[event.key]) {
        event.preventDefault();
        go(pages[event.key]);
        return;
      }
    }
    if (event.key === "g") waitsForPage = true;
    else if (event.key === "?") showKeys(current());
    else if (byPage.get(current())?.press(event)) event.preventDefault();
  });
}

/** Show all shortcuts of a page. */
export function showKeys(page) {
  const rows = [...(byPage.get(page)?.listed ?? []), ...everywhere];
  show(
    "Keyboard shortcuts",
    h(
      "table",
      {},
      h("thead", { class: "visually-hidden" }, h("tr", {}, h("th", { scope: "col" }, "Keys"), h("th", { scope: "col" }, "What they do"))),
      h("tbody", {}, rows.map(([keys, what]) => h("tr", {}, h("td", {}, keys.split(" ").map((key) => h("kbd", {}, key))), h("td", {}, what)))),
    ),
  );
}

function isTyping(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
