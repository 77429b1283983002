// Entities in the message that is labelled: words are picked by keys or pointer, then a type and a sentiment towards it.
import { h } from "./dom.js";
import { spoken } from "./format.js";
import { state } from "./store.js";
import { announce } from "./tell.js";

const TYPES = { PER: "person", ORG: "organisation", LOC: "place", MISC: "other name" };
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

let segments = [];
let words = [];
let suggested = null;
let marked = null;
// Of words, where picking began and where it is; then the entity whose type is asked for.
let picked = null;
let pending = null;
let changed = null;

/** Begin with another message; `onChange` draws the card anew. */
export function beginSpans(request, onChange) {
  changed = onChange;
  suggested = request?.read?.entities?.length ? request.read.entities : null;
  marked = picked = pending = null;
  segments = [];
  words = [];
  // Places are counted in code points, as labels have them, and not in UTF-16.
  let at = 0;
  for (const { segment, isWordLike } of segmenter.segment(request?.text ?? "")) {
    const start = at;
    at += [...segment].length;
    const found = { text: segment, start, end: at, word: isWordLike ? words.length : null };
    segments.push(found);
    if (isWordLike) words.push(found);
  }
}

/** What was said of entities: null where nothing was, an empty list where there are none. */
export const entities = () => marked;

/** The message, its words to be picked. */
export function messageText() {
  const [first, last] = picked ? [...picked].sort((one, other) => one - other) : [1, 0];
  const isIn = ({ start, end }, piece) => start <= piece.start && piece.end <= end;
  return h(
    "p",
    { class: "message", lang: "", onmouseup: pickByPointer },
    segments.map((piece) => {
      const entity = (marked ?? []).find((one) => isIn(one, piece));
      const isPicked = (piece.word !== null && first <= piece.word && piece.word <= last) || (pending && isIn(pending, piece));
      if (piece.word === null && !entity && !isPicked) return piece.text;
      return h("span", { class: `word ${entity ? "entity" : ""} ${isPicked ? "picked" : ""}`, title: entity ? told(entity) : null, data: piece.word === null ? {} : { word: piece.word } }, piece.text);
    }),
  );
}

/** The group of entities, below the others. */
export function entityGroup(isActive) {
  const read = suggested ? h("button", { type: "button", class: "quiet", data: { part: "read" }, onclick: takeSuggested }, `Take the model's ${suggested.length}`) : null;
  return h(
    "fieldset",
    { class: `group entities ${isActive || picked || pending ? "active" : ""}` },
    h("legend", {}, "Entities", h("span", { class: "muted" }, " \u2013 all of them, or none marked at all")),
    h(
      "div",
      { class: "options" },
      (marked ?? []).map((entity) =>
        h("button", { type: "button", class: "option", "aria-label": `Remove ${told(entity)}`, onclick: () => remove(entity) }, h("span", { class: "name" }, told(entity)), h("span", { "aria-hidden": "true" }, "\u00d7")),
      ),
      marked?.length === 0 ? h("span", { class: "muted" }, "There are none in it.") : null,
    ),
    pending ? chooser() : null,
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", onclick: startPicking, disabled: !words.length }, "Mark words ", h("kbd", {}, "w")),
      marked?.length ? null : h("button", { type: "button", "aria-pressed": marked !== null, onclick: () => set(marked === null ? [] : null) }, "There are none"),
      read,
    ),
  );
}

function chooser() {
  const isTyped = pending.type !== null;
  const options = isTyped ? state.about.sentiments.map((name) => [name, name]) : Object.entries(TYPES);
  const title = isTyped ? `Sentiment towards \u201c${textOf(pending)}\u201d` : `What is \u201c${textOf(pending)}\u201d?`;
  return h(
    "div",
    { class: "chooser", role: "group", "aria-label": title },
    h("p", {}, title),
    h(
      "div",
      { class: "options few" },
      options.map(([value, name], place) => h("button", { type: "button", class: "option", data: { group: "entities", option: value }, onclick: () => choose(value) }, h("kbd", { "aria-hidden": "true" }, String(place + 1)), h("span", { class: "name" }, spoken(name)))),
      isTyped ? h("button", { type: "button", class: "option", onclick: finish }, h("kbd", { "aria-hidden": "true" }, "Enter"), h("span", { class: "name" }, "not said")) : null,
    ),
    h("button", { type: "button", class: "quiet", onclick: cancel }, "Cancel ", h("kbd", {}, "Esc")),
  );
}

/** A key was pressed; true where it meant something here. */
export function pressInSpans({ key, shiftKey, target }) {
  if (target instanceof HTMLButtonElement && (key === "Enter" || key === " ")) return false;
  if (pending) return pressInChooser(key);
  if (picked) return pressWhilePicking(key, shiftKey);
  if (key !== "w" || !words.length) return false;
  startPicking();
  return true;
}

function pressInChooser(key) {
  const values = pending.type === null ? Object.keys(TYPES) : state.about.sentiments;
  if (key === "Escape") cancel();
  else if (key === "Enter" && pending.type !== null) finish();
  else if (values[Number(key) - 1]) choose(values[Number(key) - 1]);
  // Nothing else is meant for the groups while this is asked.
  return true;
}

function pressWhilePicking(key, isWide) {
  const move = { ArrowLeft: -1, ArrowRight: 1, Home: -words.length, End: words.length }[key];
  if (move) {
    const at = Math.max(0, Math.min(words.length - 1, picked[1] + move));
    picked = isWide ? [picked[0], at] : [at, at];
    announce(textOf(spanOf(picked)));
  } else if (key === "Enter") {
    ask(spanOf(picked));
    return true;
  } else if (key === "Escape" || key === "w") picked = null;
  else return false;
  changed();
  return true;
}

function startPicking() {
  const after = marked?.length ? words.findIndex(({ start }) => start >= Math.max(...marked.map(({ end }) => end))) : 0;
  picked = [Math.max(0, after), Math.max(0, after)];
  announce(`Arrows move over the words, Shift widens, Enter takes them. ${words[picked[1]].text}`);
  changed();
}

function pickByPointer(event) {
  const selection = getSelection();
  const message = event.currentTarget;
  let chosen = [];
  if (selection && !selection.isCollapsed) chosen = [...message.querySelectorAll("[data-word]")].filter((element) => selection.containsNode(element, true));
  else if (event.target.closest("[data-word]")) chosen = [event.target.closest("[data-word]")];
  if (!chosen.length) return;
  const numbers = chosen.map(({ dataset }) => Number(dataset.word));
  selection?.removeAllRanges();
  ask(spanOf([Math.min(...numbers), Math.max(...numbers)]));
}

const spanOf = ([one, other]) => ({ start: words[Math.min(one, other)].start, end: words[Math.max(one, other)].end });

const textOf = ({ start, end }) => segments.filter((piece) => start <= piece.start && piece.end <= end).map(({ text }) => text).join("");

const told = (entity) => `${textOf(entity)}: ${TYPES[entity.type]}${entity.sentiment ? `, ${entity.sentiment}` : ""}`;

function ask(span) {
  picked = null;
  pending = { ...span, type: null, sentiment: null };
  announce(`${textOf(span)}: ${Object.values(TYPES).map((name, place) => `${place + 1} ${name}`).join(", ")}`);
  changed();
}

function choose(value) {
  if (pending.type === null) {
    pending.type = value;
    announce(`Sentiment towards it: ${state.about.sentiments.map((name, place) => `${place + 1} ${name}`).join(", ")}, Enter for not said`);
    changed();
  } else {
    pending.sentiment = value;
    finish();
  }
}

function finish() {
  const { start, end, type, sentiment } = pending;
  const entity = sentiment ? { start, end, type, sentiment } : { start, end, type };
  pending = null;
  announce(`Marked: ${told(entity)}`);
  // What it lies over gives way: entities do not overlap.
  set([...(marked ?? []).filter((one) => one.end <= start || end <= one.start), entity].sort((one, other) => one.start - other.start));
}

function cancel() {
  pending = picked = null;
  changed();
}

function remove(entity) {
  const rest = marked.filter((one) => one !== entity);
  announce(`Removed: ${told(entity)}`);
  set(rest.length ? rest : null);
}

function takeSuggested() {
  set(suggested.map(({ start, end, type, sentiment }) => ({ start, end, type, sentiment })));
}

function set(found) {
  marked = found;
  changed();
}
