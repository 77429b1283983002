// One conversation: what was said, the draft with its reason and evidence, and what can be done.
import { ask } from "./dialog.js";
import { empty, h, replace } from "./dom.js";
import { moment, percent, plural, spoken } from "./format.js";
import { me } from "./me.js";
import { REASONS, sentence } from "./reasons.js";
import { post } from "./session.js";
import { doc } from "./store.js";
import { attempt, say } from "./tell.js";

// What is being written stays, whatever else happens in the conversation meanwhile; and with it what had gone out to the
// customer when it was begun, so that an answer which a colleague gave meanwhile is not followed by a second one unseen.
const written = new Map();
const handedBack = new Map();
let onDone = () => {};
let shown = "";

/** The panel; `done` is called with the key of a conversation that is dealt with. */
export function buildConversation(done) {
  onDone = done;
  return h("section", { class: "panel conversation", "aria-label": "Conversation" });
}

/** Draw a conversation, or none. */
export function drawConversation(place, conversation) {
  const sign = JSON.stringify([conversation, me()]);
  if (sign === shown && place.children.length) return;
  shown = sign;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const area = focused?.tagName === "TEXTAREA" && focused.dataset.key === conversation?.key ? focused : null;
  const selection = area && [area.selectionStart, area.selectionEnd];
  replace(place, conversation ? parts(conversation) : empty("No conversation is chosen.", "Choose one of the list, or press j."));
  if (area) {
    const made = place.querySelector("textarea");
    made?.focus();
    made?.setSelectionRange(...selection);
  }
}

function parts(conversation) {
  const { key, turns, reply, state: how, taken_by: by } = conversation;
  const mine = by === me();
  return [
    h(
      "header",
      {},
      h("h2", {}, { review: "A draft to look at", handoff: "Handed to a person", taken: mine ? "You have it in hand" : `${by} has it in hand`, sent: "Sent by Tocsin", answered: "Answered", asked: "No reply yet" }[how]),
      how === "taken" && mine ? null : h("button", { type: "button", onclick: (event) => takeOver(key, event.currentTarget) }, "Take over"),
      h("button", { type: "button", onclick: () => handOver(key) }, "Hand over\u2026"),
      how === "taken" ? h("button", { type: "button", onclick: (event) => handBack(key, event.currentTarget) }, "Hand back to Tocsin") : null,
    ),
    h(
      "div",
      { class: `body ${reply?.evidence.length ? "with-sources" : ""}` },
      h(
        "div",
        { class: "stack" },
        h("div", {}, h("h3", {}, "Conversation, without personal data"), thread(turns, reply)),
        reply ? why(reply) : null,
        how === "sent" ? h("div", { class: "draft" }, h("h3", {}, "What was sent"), h("p", { class: "turn answered words" }, reply.text)) : null,
        ["review", "handoff"].includes(how) || (how === "taken" && mine) ? draft(conversation) : null,
      ),
      reply?.evidence.length ? sources(reply) : null,
    ),
  ];
}

function thread(turns, reply) {
  const list = turns.length || !reply?.question ? turns : [{ kind: "asked", text: reply.question, time: reply.time, source: "" }];
  return h("ol", { class: "thread" }, list.map(turn));
}

function turn({ kind, text, time, by, source, read }) {
  if (kind === "taken_over" || kind === "handed_back") {
    return h("li", { class: "turn event" }, moment(time), kind === "taken_over" ? ` ${by || "A person"} took the conversation over` : ` ${by} handed it back to Tocsin`);
  }
  return h(
    "li",
    { class: `turn ${kind}` },
    h("p", { class: "words" }, text || "(nothing written)"),
    h("p", { class: "who" }, kind === "asked" ? `Customer${source ? `, ${source}` : ""}` : by || "The team", " \u00b7 ", moment(time), read ? ` \u00b7 ${reading(read)}` : ""),
  );
}

const reading = ({ topics, sentiment, sentiment_score: score, intent, intent_score: sure }) =>
  [topics.map(spoken).join(", "), `${sentiment}${score ? ` ${score.toFixed(2)}` : ""}`, intent ? `${spoken(intent)}${sure ? ` ${sure.toFixed(2)}` : ""}` : null].filter(Boolean).join(", ");

function why(reply) {
  return h(
    "div",
    { class: "why" },
    h("p", {}, h("strong", {}, `${sentence(REASONS[reply.reason] ?? spoken(reply.reason))}. `), reply.detail),
    h(
      "p",
      { class: "small muted" },
      [
        `${{ generated: "Written by the generator", retrieved: "An approved answer, as it stands", none: "No draft" }[reply.origin]}`,
        reply.origin === "none" ? null : `confidence ${percent(reply.confidence)}`,
        reply.generator || null,
        reply.model || null,
      ].filter(Boolean).join(" \u00b7 "),
    ),
    reply.unsupported.length ? h("p", { class: "small" }, h("span", { class: "negative" }, "Without evidence, and so not taken: "), reply.unsupported.join("; ")) : null,
  );
}

function draft({ key, reply, state: how, went_out: out }) {
  const start = how === "taken" ? "" : reply?.text ?? "";
  const seen = () => written.get(key)?.seen ?? out;
  const note = h("span", { class: "edited" });
  const area = h("textarea", { id: "draft", data: { key, busy: "" }, value: written.get(key)?.text ?? start, maxlength: 20000, "aria-describedby": "draft-note" });
  const send = h("button", { type: "button", class: "primary" });
  const again = h("button", { type: "button", class: "quiet", onclick: () => { written.delete(key); area.value = start; tell(); area.focus(); } }, "The draft again");
  const back = h("input", { type: "checkbox", id: "hand-back", checked: handedBack.get(key) ?? how === "review", onchange: () => handedBack.set(key, back.checked) });
  const tell = () => {
    const edited = area.value.trim() !== start.trim();
    send.textContent = edited && start ? "Send as edited" : "Send";
    send.disabled = !area.value.trim();
    again.hidden = !edited || !start;
    if (out.some((id) => !seen().includes(id))) note.textContent = "This customer was answered since you began to write.";
    else note.textContent = edited && area.value.trim() ? "Other words than the draft's become a label with a reply, without personal data." : "";
  };
  area.addEventListener("input", () => {
    written.set(key, { text: area.value, seen: seen() });
    tell();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send.click();
    if (event.key === "Escape") area.blur();
  });
  send.addEventListener("click", async () => {
    const text = area.value.trim();
    const body = { by: me(), conversation: key, text, reply: how === "taken" ? null : reply?.id ?? null, seen: seen(), hand_back: back.checked };
    const answer = () => post("replies/answer", body).catch((error) => {
      // Told to the person, who may send it all the same.
      if (error.status === 409) written.set(key, { text: area.value, seen: doc("conversations", key)?.went_out ?? out });
      throw error;
    });
    if (await attempt(send, answer, ({ label }) => (label ? "Answered; what you wrote is kept as a label" : "Answered"))) {
      written.delete(key);
      handedBack.delete(key);
      if (how !== "taken") onDone(key);
    }
    tell();
  });
  tell();
  return h(
    "div",
    { class: "draft" },
    h("label", { for: "draft" }, start ? "Draft, for this customer alone" : "Your answer"),
    area,
    h("div", { class: "buttons" }, send, again, h("label", { class: "check", for: "hand-back" }, back, "Tocsin may answer what comes next")),
    h("p", { id: "draft-note" }, note),
  );
}

function sources(reply) {
  return h(
    "div",
    {},
    h("h3", {}, `Drawn from ${plural(reply.evidence.length, "document")}`),
    h(
      "div",
      { class: "sources" },
      reply.evidence.map(({ id, title, asks, text }, place) =>
        h("details", { open: place === 0 }, h("summary", {}, title || asks || id), text ? [asks && title ? h("p", { class: "muted" }, asks) : null, h("p", { class: "words" }, text), h("p", { class: "small muted" }, id)] : h("p", { class: "muted" }, "Its text is not among the documents that this page holds: ", h("code", {}, `tocsin answers show ${id}`))),
      ),
    ),
  );
}

const takeOver = (conversation, button) =>
  attempt(button, () => post("conversations/take-over", { by: me(), conversation }), "You have it in hand: Tocsin is silent in it");

const handBack = (conversation, button) =>
  attempt(button, () => post("conversations/hand-back", { by: me(), conversation }), "Tocsin may answer again");

function handOver(conversation) {
  return ask({
    title: "Hand over",
    text: "A colleague or a team answers from now on; Tocsin is silent until it is handed back.",
    fields: [{ name: "to", label: "To whom", required: true }],
    submit: "Hand over",
    act: async ({ to }) => {
      await post("conversations/hand-over", { by: me(), conversation, to });
      say(`Handed over to ${to}`);
      onDone(conversation);
    },
  });
}
