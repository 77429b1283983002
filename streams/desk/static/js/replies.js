// Replies: drafts to look at, and conversations that a person has in hand.
import { buildConversation, drawConversation } from "./conversation.js";
import { empty, h, replace, sync } from "./dom.js";
import { moment, percent, spoken } from "./format.js";
import { REASONS } from "./reasons.js";
import { keysOf } from "./keys.js";
import { me } from "./me.js";
import { docs, listen, state } from "./store.js";

const DONE_SHOWN = 25;
const GROUPS = [
  ["To look at", ["review", "handoff"]],
  ["In hand", ["taken"]],
  ["Done", ["sent", "answered", "asked"]],
];

let chosen = null;
let place = null;
let conversation = null;

/** Build the page once; it redraws what changes. */
export function buildReplies(page) {
  place = h("div", {});
  conversation = buildConversation(moveOn);
  replace(
    page,
    h("h1", { class: "visually-hidden", id: "title-replies" }, "Replies"),
    h(
      "div",
      { class: "desk-split" },
      h("section", { class: "panel queue", "aria-labelledby": "title-queue" }, h("header", {}, h("h2", { id: "title-queue" }, "Conversations")), place),
      conversation,
    ),
  );
  listen(["conversations", "about", "status"], draw);
  keysOf("replies", [["j", "Next conversation"], ["k", "The one before"], ["e", "Edit the draft"], ["Ctrl Enter", "Send, from the draft"]], press);
}

/** Conversations in the order of the list: the oldest that waits comes first. */
function grouped() {
  const all = docs("conversations");
  return GROUPS.map(([title, states]) => {
    const found = all.filter(({ state: how }) => states.includes(how)).sort((one, other) => (one.time < other.time ? -1 : 1));
    return [title, title === "Done" ? found.reverse().slice(0, DONE_SHOWN) : found];
  });
}

function draw() {
  const groups = grouped();
  const listed = groups.flatMap(([, found]) => found);
  if (!listed.some(({ key }) => key === chosen)) chosen = listed[0]?.key ?? null;
  if (!listed.length) {
    replace(place, nothing());
    delete place.dataset.filled;
  } else {
    const rows = groups.flatMap(([title, found]) => (found.length ? [{ title, many: found.length }, ...found] : []));
    sync(place, rows, (row) => row.key ?? row.title, (row) => [row, row.key === chosen], (row) => (row.title ? h("h3", {}, `${row.title} (${row.many})`) : item(row)));
  }
  drawConversation(conversation, listed.find(({ key }) => key === chosen) ?? null);
}

function nothing() {
  return state.status.loaded
    ? empty("No conversation yet.", "Drafts appear here as customers write and a worker with ", h("code", {}, "replies.enabled"), " reads them. Give it answers to draw from: ", h("code", {}, "tocsin answers import FILE"), ".")
    : empty("Reading the topics\u2026");
}

function item(row) {
  const asked = row.turns.filter(({ kind }) => kind === "asked").at(-1);
  const text = asked?.text || row.reply?.question || "(nothing written)";
  return h(
    "button",
    { type: "button", class: "item", "aria-current": row.key === chosen, data: { part: "choose" }, onclick: () => choose(row.key) },
    h("span", { class: "question" }, text),
    h(
      "span",
      { class: "meta" },
      h("span", { class: `chip ${row.state === "handoff" ? "level-orange" : row.state === "review" ? "accent" : ""}` }, told(row)),
      row.reply && ["review", "handoff"].includes(row.state) ? h("span", {}, REASONS[row.reply.reason] ?? spoken(row.reply.reason)) : null,
      row.reply && row.state === "review" ? h("span", {}, percent(row.reply.confidence)) : null,
      row.state === "taken" && row.is_unanswered ? h("span", { class: "chip level-yellow" }, "customer waits") : null,
      moment(row.time),
    ),
  );
}

const told = ({ state: how, taken_by: by }) =>
  ({ review: "draft", handoff: "hand-over", taken: by === me() ? "yours" : by, sent: "sent", answered: "answered", asked: "asked" })[how];

function choose(key) {
  chosen = key;
  draw();
  if (matchMedia("(max-width: 900px)").matches) conversation.scrollIntoView({ block: "start" });
}

/** To the next that waits, once one is dealt with. */
function moveOn(key) {
  const waiting = grouped()[0][1].filter((row) => row.key !== key);
  if (waiting.length) choose(waiting[0].key);
}

function press({ key }) {
  const listed = grouped().flatMap(([, found]) => found);
  const at = listed.findIndex((row) => row.key === chosen);
  const step = { j: 1, k: -1 }[key];
  if (step && listed[at + step]) {
    choose(listed[at + step].key);
    place.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
    return true;
  }
  if (key === "e") {
    conversation.querySelector("textarea")?.focus();
    return true;
  }
  return false;
}
