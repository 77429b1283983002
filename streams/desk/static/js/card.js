// The message that is labelled now: groups of options, each with its key.
import { empty, h, replace } from "./dom.js";
import { count, moment, spoken } from "./format.js";
import { beginSpans, entities, entityGroup, messageText, pressInSpans } from "./spans.js";
import { state } from "./store.js";
import { announce } from "./tell.js";

// Without the letters that do something else here.
const KEYS = [..."1234567890abcdefhijklmnopqrtvxyz"];
const REASONS = {
  uncertain: "because the model is unsure of it",
  novel: "because it is unlike what the model was trained on",
  contested: "because the model contradicts itself",
  random: "by lot: what the model read is not shown",
};

let acts = null;
let request = null;
let chosen = {};
let active = 0;
let groups = [];
let place = null;
let shown = "";

/** The panel; `acts` are what is called to save, skip and undo. */
export function buildCard(given) {
  acts = given;
  place = h("section", { class: "panel card", "aria-labelledby": "title-card" });
  return place;
}

/** Draw a request, or that there is none. */
export function drawCard(panel, wanted, many, canUndo) {
  const sign = JSON.stringify([wanted?.message_id ?? null, many, canUndo, state.status.loaded, state.about?.topics.length]);
  if (sign === shown) return;
  if (wanted?.message_id !== request?.message_id || !wanted) {
    chosen = {};
    active = 0;
    beginSpans(wanted, again);
    if (wanted) announce(`${wanted.kind} message: ${wanted.text}`);
  }
  request = wanted;
  shown = sign;
  groups = wanted ? groupsOf(wanted) : [];
  const head = h("header", {}, h("h2", { id: "title-card" }, "Label a message"), h("span", { class: "small muted" }, `${count(many)} wait`));
  replace(panel, head, wanted ? parts(canUndo) : nothing(canUndo));
}

function groupsOf({ kind }) {
  const { topics, intents, sentiments, topic_mode: mode } = state.about;
  const found = [
    { name: "sentiment", title: "Sentiment", options: sentiments.map((name) => ({ name })), several: false },
    { name: "topics", title: "Topic", options: topics, several: mode === "multi" },
  ];
  if (kind === "customer" && intents.length) found.push({ name: "intent", title: "Intent", options: intents, several: false });
  return found;
}

function parts(canUndo) {
  const { kind, source, time, reason } = request;
  return [
    messageText(),
    h("p", { class: "about" }, h("span", { class: "chip" }, kind), source, moment(time), h("span", {}, `asked ${REASONS[reason] ?? reason}`)),
    groups.map(group),
    entityGroup(active === groups.length),
    h(
      "footer",
      {},
      h("button", { type: "button", class: "primary", onclick: save, disabled: !isSaid() }, "Keep ", h("kbd", {}, "Enter")),
      h("button", { type: "button", onclick: () => acts.skip() }, "Skip ", h("kbd", {}, "s")),
      undoButton(canUndo),
      h("span", { class: "end" }, "Any group may be left open."),
    ),
  ];
}

const undoButton = (can) => h("button", { type: "button", class: "quiet", disabled: !can, onclick: () => acts.undo() }, "Undo ", h("kbd", {}, "u"));

function nothing(canUndo) {
  return [
    state.status.loaded
      ? empty("Nothing waits for a label.", "A worker asks for labels of what it is unsure of, at most ", h("code", {}, "labels.requests_per_hour"), " an hour.")
      : empty("Reading the topics\u2026"),
    canUndo ? h("footer", {}, undoButton(true)) : null,
  ];
}

function group({ name, title, options, several }, number) {
  const read = request.read?.[name];
  const isRead = (option) => (Array.isArray(read) ? read.includes(option) : read === option);
  return h(
    "fieldset",
    { class: `group ${number === active ? "active" : ""}` },
    h("legend", {}, title, h("span", { class: "muted" }, several ? " \u2013 one or several" : "")),
    h(
      "div",
      { class: `options ${options.length <= 3 ? "few" : ""}`, role: several ? "group" : "radiogroup", "aria-label": title },
      options.map((option, place_) =>
        h(
          "button",
          { type: "button", class: "option", role: several ? "checkbox" : "radio", "aria-checked": isChosen(name, option.name), title: option.title, data: { group: name, option: option.name }, onclick: () => choose(number, option.name) },
          KEYS[place_] ? h("kbd", { "aria-hidden": "true" }, KEYS[place_]) : null,
          h("span", { class: "name" }, spoken(option.name)),
          isRead(option.name) ? h("span", { class: "read" }, "model") : null,
        ),
      ),
    ),
  );
}

const isChosen = (name, option) => (Array.isArray(chosen[name]) ? chosen[name].includes(option) : chosen[name] === option);
const isSaid = () => entities() !== null || Object.keys(chosen).length > 0;

function choose(number, option) {
  const { name, several } = groups[number];
  if (several) {
    const before = chosen[name] ?? [];
    const after = before.includes(option) ? before.filter((one) => one !== option) : [...before, option];
    // Without any the group is left open: an empty list would say that none applies.
    if (after.length) chosen[name] = after;
    else delete chosen[name];
    active = number;
  } else {
    if (chosen[name] === option) delete chosen[name];
    else chosen[name] = option;
    active = chosen[name] ? Math.min(number + 1, groups.length - 1) : number;
  }
  again();
}

/** Draw what is chosen; the control that had the focus keeps it. */
function again() {
  place.dataset.begun = "yes";
  const { group: name, option } = document.activeElement?.dataset ?? {};
  const canUndo = !place.querySelector("footer .quiet")?.disabled;
  const head = place.querySelector("header");
  replace(place, head, parts(canUndo));
  if (option) [...place.querySelectorAll(".option")].find(({ dataset }) => dataset.group === name && dataset.option === option)?.focus();
}

function save() {
  if (!isSaid()) return;
  const label = {};
  for (const [name, value] of Object.entries(chosen)) {
    if (name === "topics") label.topics = [].concat(value);
    else label[name] = value;
  }
  if (entities() !== null) label.entities = entities();
  acts.save(label);
}

/** A key was pressed on the page; true where it meant something. */
export function pressInCard(event) {
  const { key, target } = event;
  if (request && pressInSpans(event)) return true;
  if (key === "u") {
    acts.undo();
    return true;
  }
  if (!request) return false;
  const moves = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (moves) {
    active = Math.max(0, Math.min(groups.length - 1, active + moves));
    again();
    return true;
  }
  if (key === "s") acts.skip();
  else if (key === "Enter") {
    // On a button it is the button's own.
    if (target instanceof HTMLButtonElement && !target.classList.contains("option")) return false;
    save();
  } else if (key === " ") {
    if (target instanceof HTMLButtonElement) return false;
    takeReading();
  } else {
    const option = groups[active].options[KEYS.indexOf(key)];
    if (KEYS.indexOf(key) < 0 || !option) return false;
    choose(active, option.name);
    announce(`${groups.length ? spoken(option.name) : ""}`);
  }
  return true;
}

function takeReading() {
  const { name, several } = groups[active];
  const read = [].concat(request.read?.[name] ?? []);
  if (!read.length || isChosen(name, read[0])) return;
  if (several) chosen[name] = read;
  else [chosen[name]] = read;
  active = Math.min(active + 1, groups.length - 1);
  again();
}
