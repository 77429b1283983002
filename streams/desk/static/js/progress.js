// How far it is to the next training run, what became of the latest ones, and how far labellers agree.
import { ask } from "./dialog.js";
import { empty, h, replace } from "./dom.js";
import { count, figure, moment, plural, spoken } from "./format.js";
import { me } from "./me.js";
import { get, post } from "./session.js";
import { doc, docs, state } from "./store.js";
import { complain, say } from "./tell.js";

const RUNS_SHOWN = 5;
const RUN_KINDS = { retrain_started: "began", retrain_failed: "failed", rejected: "rejected", promoted: "promoted", challenged: "reads along", rolled_back: "rolled back" };
// Krippendorff 2004, p. 241.
const RELIABLE = 0.8;
const TENTATIVE = 0.667;

export const progressBody = () => h("div", { class: "body progress" });
export const runsBody = () => h("div", {});

/** Draw the progress. */
export function drawProgress(place) {
  const known = doc("labelling", "progress");
  const { about } = state;
  if (!known || !about) return;
  const least = about.min_new_labels;
  replace(
    place,
    h("p", {}, h("strong", {}, count(known.new)), least ? ` of ${plural(least, "new label")}` : " new labels"),
    least ? h("progress", { max: least, value: Math.min(known.new, least), "aria-label": "New labels towards the next run" }) : null,
    h("p", { class: "small muted" }, known.run_began ? ["Since the run that began ", moment(known.run_began * 1000), "."] : "No run has begun yet.", about.cron ? [" Also by the clock: ", h("code", {}, about.cron), " (UTC)."] : ""),
    h("p", { class: "small muted" }, `${plural(known.labels, "label")} of ${plural(known.messages, "message")} stand in all.`),
    known.asked ? h("p", { class: "small muted" }, "Last asked for by ", known.asked.by, ", ", moment(known.asked.time), known.asked.reason ? `: ${known.asked.reason}` : "") : null,
    h("button", { type: "button", onclick: askForRun }, "Ask for a run now\u2026"),
  );
}

function askForRun() {
  return ask({
    title: "Ask for a training run",
    text: "It begins where `tocsin retrain schedule` runs. A candidate takes the champion's place only if it proves to be better.",
    fields: [{ name: "reason", label: "Why", hint: "Such as: new slang of the week." }],
    submit: "Ask for it",
    act: async ({ reason }) => {
      await post("retrain", { by: me(), reason });
      say("A run is asked for");
    },
  });
}

/** Draw the latest runs. */
export function drawRuns(place) {
  const events = docs("events")
    .filter(({ kind }) => kind in RUN_KINDS)
    .sort((one, other) => (one.time < other.time ? 1 : -1))
    .slice(0, RUNS_SHOWN);
  replace(
    place,
    events.length
      ? h("ul", { class: "rows" }, events.map(({ kind, time, version, reasons, by }) => h("li", {}, h("div", { class: "what" }, h("span", { class: `chip ${{ promoted: "good", retrain_failed: "bad" }[kind] ?? ""}` }, RUN_KINDS[kind]), version ? ` version ${version}` : "", h("span", { class: "small" }, moment(time), ` by ${by}`, reasons.length ? `: ${reasons[0]}` : "")))))
      : empty("No run yet.", "One begins once enough labels are new, by the clock, when drift is found, or when it is asked for."),
  );
}

/** The panel of agreement: it is measured when it is asked for, since every label is read for it. */
export function agreementPanel() {
  const place = h("div", { class: "body" }, h("p", { class: "small muted" }, "Krippendorff's alpha, over all labels that several people gave: 1 where all agree, 0 where they agree as by chance."));
  const result = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "button" }, "Measure");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      drawAgreement(result, await get("/api/agreement"));
    } catch (error) {
      complain(error);
    }
    button.disabled = false;
  });
  place.append(button);
  return h("section", { class: "panel", "aria-labelledby": "title-agreement" }, h("header", {}, h("h2", { id: "title-agreement" }, "Agreement")), place, result);
}

function drawAgreement(place, { installed, heads }) {
  const head = (text, kind = "") => h("th", { scope: "col", class: kind }, text);
  if (!installed) replace(place, empty("It cannot be measured here.", "Its packages come with ", h("code", {}, "pip install 'tocsin[retrain]'"), "."));
  else if (!heads.length) replace(place, empty("No two people have labelled the same message.", "Their agreement is measured where they have."));
  else {
    const rows = heads.map(({ head: name, units, disagreed, alpha }) =>
      h("tr", {}, h("th", { scope: "row" }, spoken(name)), h("td", { class: "number" }, count(units)), h("td", { class: "number" }, count(disagreed)), h("td", { class: "number" }, figure(alpha)), h("td", {}, verdict(alpha))));
    replace(place, h("div", { class: "scroller" }, h("table", {}, h("thead", {}, h("tr", {}, head("Head"), head("Shared", "number"), head("Differ", "number"), head("Alpha", "number"), head(""))), h("tbody", {}, rows))));
  }
}

function verdict(alpha) {
  if (alpha === null) return h("span", { class: "chip" }, "one answer");
  if (alpha >= RELIABLE) return h("span", { class: "chip good" }, "reliable");
  return h("span", { class: `chip ${alpha >= TENTATIVE ? "level-yellow" : "bad"}` }, alpha >= TENTATIVE ? "tentative" : "too low");
}
