// Labels: the queue, one message at a time, by keyboard or pointer.
import { buildCard, drawCard, pressInCard } from "./card.js";
import { h, replace } from "./dom.js";
import { keysOf } from "./keys.js";
import { me } from "./me.js";
import { panel } from "./now.js";
import { agreementPanel, drawProgress, progressBody, runsBody, drawRuns } from "./progress.js";
import { post } from "./session.js";
import { doc, listen } from "./store.js";
import { complain, say } from "./tell.js";

// What was said here, for undoing it; what was passed over comes last.
const given = [];
const skipped = new Set();
const done = new Set();
let current = null;
let card = null;

/** Build the page once; it redraws what changes. */
export function buildLabels(page) {
  card = buildCard({ save, skip, undo });
  const progress = progressBody();
  const runs = runsBody();
  replace(
    page,
    h("h1", { class: "visually-hidden", id: "title-labels" }, "Labels"),
    h(
      "div",
      { class: "columns" },
      card,
      h("div", { class: "stack side" }, panel("title-progress", "Towards the next run", progress), panel("title-runs", "Latest runs", runs), agreementPanel()),
    ),
  );
  listen(["requests", "labelling", "about", "status"], draw);
  listen(["labelling", "about"], () => drawProgress(progress));
  listen(["events"], () => drawRuns(runs));
  keysOf(
    "labels",
    [
      ["1 2 3", "Choose an option of the group that is marked"],
      ["a b c", "Likewise, where there are more than ten"],
      ["\u2190 \u2192", "Mark another group"],
      ["w", "Mark words as an entity: arrows move, Shift widens, Enter takes them, Esc leaves"],
      ["Space", "Take what the model read, in this group"],
      ["Enter", "Keep the label, and go to the next message"],
      ["s", "Skip: the message comes last"],
      ["u", "Undo the label before"],
    ],
    pressInCard,
  );
}

/** Message ids that wait, those passed over last. */
export function waiting() {
  const order = (doc("labelling", "order")?.messages ?? []).filter((id) => !done.has(id));
  return [...order.filter((id) => !skipped.has(id)), ...order.filter((id) => skipped.has(id))];
}

function draw() {
  const ids = waiting();
  // Somebody else may have labelled it meanwhile: what is begun is not taken away.
  if (current === null || done.has(current.message_id) || (!ids.includes(current.message_id) && !card.dataset.begun)) {
    current = ids.length ? doc("requests", ids[0]) ?? null : null;
  }
  drawCard(card, current, ids.length, given.length > 0);
}

function show(request) {
  current = request;
  draw();
}

async function save(label) {
  const request = current;
  done.add(request.message_id);
  const mine = { request, entities: "entities" in label };
  given.push(mine);
  delete card.dataset.begun;
  show(null);
  try {
    await post("labels/add", { by: me(), message_id: request.message_id, ...label });
  } catch (error) {
    // It is asked again, as it was.
    done.delete(request.message_id);
    given.splice(given.indexOf(mine), 1);
    complain(error);
    card.dataset.begun = "yes";
    show(request);
  }
}

function skip() {
  if (current === null) return;
  skipped.delete(current.message_id);
  skipped.add(current.message_id);
  delete card.dataset.begun;
  show(null);
}

async function undo() {
  const mine = given.pop();
  if (!mine) return;
  const { request } = mine;
  try {
    await post("labels/withdraw", { by: me(), message_id: request.message_id, entities: mine.entities });
    done.delete(request.message_id);
    say("Taken back");
    // It stays, though the desk does not say yet that it waits again.
    card.dataset.begun = "yes";
    show(request);
  } catch (error) {
    given.push(mine);
    complain(error);
  }
}
