// The watchlist and the silences.
import { empty, h, sync } from "./dom.js";
import { moment } from "./format.js";
import { expireSilence, toggleWatch } from "./opinion.js";
import { docs } from "./store.js";

const OVER_SHOWN = 3;

/** Draw the watchlist. */
export function drawWatchlist(place) {
  const watched = docs("watchlist").sort((one, other) => (one.subject < other.subject ? -1 : 1));
  list(place, watched, ({ subject }) => subject, (watch) => watch, watchRow, () =>
    empty("Nothing is watched.", "A watched subject rings sooner, by a budget of its own."));
}

/** Draw silences: those in force, and the last that are over. */
export function drawSilences(place) {
  const all = docs("silences").sort((one, other) => (one.ends < other.ends ? 1 : -1));
  const inForce = all.filter(({ ends }) => new Date(ends) > Date.now());
  const over = all.filter(({ ends }) => new Date(ends) <= Date.now()).slice(0, OVER_SHOWN);
  list(place, [...inForce, ...over], ({ id }) => id, (silence) => [silence, over.includes(silence)], (silence) => silenceRow(silence, over.includes(silence)), () =>
    empty("Nothing is muted.", "A silence keeps alerts from paging people for a while."));
}

function list(place, items, keyOf, sign, render, whenEmpty) {
  sync(place, items.length ? items : [null], (item) => (item ? keyOf(item) : ""), (item) => item && sign(item), (item) => (item ? render(item) : h("li", {}, whenEmpty())));
  place.classList.toggle("is-empty", !items.length);
}

function watchRow({ subject, told, by, added, note }) {
  return h(
    "li",
    {},
    h("div", { class: "what" }, told, h("span", { class: "small" }, note ? `${note} \u00b7 ` : "", `${by}, `, moment(added))),
    h("button", { type: "button", class: "quiet", "aria-label": `Watch ${told} no longer`, data: { part: "remove" }, onclick: (event) => toggleWatch(subject, event.currentTarget) }, "Remove"),
  );
}

function silenceRow({ id, matchers, ends, by, comment }, isOver) {
  return h(
    "li",
    { class: isOver ? "over" : "" },
    h("div", { class: "what" }, matchers.join(", "), h("span", { class: "small" }, comment ? `${comment} \u00b7 ` : "", `${by}, ${isOver ? "over since" : "until"} `, moment(ends))),
    isOver ? null : h("button", { type: "button", class: "quiet", "aria-label": `End the silence of ${matchers.join(", ")}`, data: { part: "expire" }, onclick: (event) => expireSilence(id, event.currentTarget) }, "End"),
  );
}
