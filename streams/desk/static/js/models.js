// Models: versions, which one serves, and what became of each.
import { ask } from "./dialog.js";
import { empty, h, replace, sync } from "./dom.js";
import { figure, moment, spoken } from "./format.js";
import { me } from "./me.js";
import { panel } from "./now.js";
import { sentence } from "./reasons.js";
import { get, post } from "./session.js";
import { docs, listen, state } from "./store.js";
import { complain, say } from "./tell.js";
import { drawVersion } from "./version.js";

const EVENTS_SHOWN = 30;
const HEADS = [["topic", "macro_f1"], ["sentiment", "macro_f1"], ["intent", "macro_f1"], ["entities", "f1"]];
const KINDS = { promoted: "good", rolled_back: "bad", retrain_failed: "bad", swap_failed: "bad", drift: "level-orange", rejected: "level-yellow" };

let overview = null;
let chosen = null;
let parts = null;
let isShown = () => false;

/** Build the page once; `visible` tells whether it is shown, since versions are asked for only then. */
export function buildModels(page, visible) {
  isShown = visible;
  parts = {
    actions: h("div", { class: "buttons" }),
    table: h("div", {}),
    version: h("section", { class: "panel version", "aria-label": "Version" }),
    drift: h("ul", { class: "rows history" }),
    history: h("ul", { class: "rows history" }),
  };
  replace(
    page,
    h("h1", { class: "visually-hidden", id: "title-models" }, "Models"),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, panel("title-versions", "Versions", parts.table, parts.actions), parts.version),
      h("div", { class: "stack" }, panel("title-drift", "Drift", parts.drift), panel("title-history", "History", parts.history)),
    ),
  );
  listen(["events", "status"], drawEvents);
  // A pointer or an event says that the registry has changed.
  listen(["pointers", "events"], () => isShown() && load());
}

/** Ask the registry anew. */
export async function load() {
  try {
    overview = await get("/api/models");
  } catch (error) {
    replace(parts.table, empty("The registry cannot be read.", error.message));
    parts.version.hidden = true;
    return;
  }
  const numbers = overview.versions.map(({ version }) => version);
  if (!numbers.includes(chosen)) chosen = overview.champion ?? numbers[0] ?? null;
  drawTable();
  await drawChosen();
}

function drawTable() {
  const { versions, model, registry, champion, previous, pin } = overview;
  replace(
    parts.actions,
    pin ? h("span", { class: "chip level-yellow" }, `pinned ${pin}`) : null,
    previous === null ? null : h("button", { type: "button", onclick: () => rollBack(champion, previous) }, `Roll back to ${previous}\u2026`),
  );
  if (!versions.length) {
    replace(parts.table, empty(`No version of ${model} in ${registry}.`, h("code", {}, "tocsin models bootstrap"), " makes a first one."));
    return;
  }
  const head = (text, kind = "") => h("th", { scope: "col", class: kind }, text);
  replace(
    parts.table,
    h(
      "div",
      { class: "scroller" },
      h(
        "table",
        { class: "versions" },
        h("thead", {}, h("tr", {}, head("Version"), head(""), head("Made", "optional"), HEADS.map(([name]) => head(`${sentence(spoken(name))} F1`, `number ${name === "topic" || name === "sentiment" ? "" : "optional"}`)), head("Gate", "optional"))),
        h("tbody", {}, versions.map(row)),
      ),
    ),
  );
}

function row(version) {
  const { champion, previous, challenger } = overview;
  const number = version.version;
  const aliases = [[champion, "champion", "good"], [previous, "previous", ""], [challenger, "challenger", "accent"]].filter(([which]) => which === number);
  return h(
    "tr",
    { "aria-selected": number === chosen, onclick: () => choose(number) },
    h("th", { scope: "row", class: "name" }, h("button", { type: "button", "aria-label": `Look at version ${number}` }, `${overview.model}:${number}`)),
    h("td", {}, aliases.map(([, name, kind]) => h("span", { class: `chip ${kind}` }, name))),
    version.refused ? h("td", { colspan: 2 + HEADS.length, class: "small words" }, h("span", { class: "chip bad" }, "refused"), ` ${version.refused}`) : facts(version),
  );
}

function facts(version) {
  return [
    h("td", { class: "optional" }, moment(version.created)),
    HEADS.map(([name, key]) => h("td", { class: `number ${name === "topic" || name === "sentiment" ? "" : "optional"}` }, figure(version.metrics[name]?.[key], 3))),
    h("td", { class: "optional" }, version.promote === null ? h("span", { class: "muted" }, version.parent === null ? "first one" : "not judged") : h("span", { class: `chip ${version.promote ? "good" : "level-yellow"}` }, version.promote ? "better" : "not better")),
  ];
}

async function choose(number) {
  chosen = number;
  drawTable();
  parts.table.querySelector("tr[aria-selected=true] button")?.focus({ preventScroll: true });
  await drawChosen();
}

async function drawChosen() {
  // Of a version that is refused there is nothing to be shown but why, and that stands in its row.
  parts.version.hidden = chosen === null || Boolean(overview.versions.find(({ version }) => version === chosen)?.refused);
  if (parts.version.hidden) return;
  try {
    const number = chosen;
    const version = await get(`/api/models/${number}`);
    if (number === chosen) drawVersion(parts.version, overview, version, promote);
  } catch (error) {
    complain(error);
  }
}

function rollBack(champion, previous) {
  return ask({
    title: `Roll back to ${overview.model}:${previous}`,
    text: `Every worker goes back from ${overview.model}:${champion} to it, at once where it is still loaded. It is tried here first, which takes a moment.`,
    fields: [{ name: "reason", label: "Why", hint: "It is kept in the registry and told to everybody.", required: true }],
    submit: "Roll back",
    danger: true,
    act: async ({ reason }) => moved(await post("models/roll-back", { by: me(), champion, reason })),
  });
}

function promote(number) {
  const { champion, model } = overview;
  return ask({
    title: `Let ${model}:${number} serve`,
    text: `Every worker changes to it while the stream runs${champion ? `, from ${model}:${champion}` : ""}. It is tried here first, which takes a moment.`,
    fields: [{ name: "reason", label: "Why", hint: "It is kept in the registry and told to everybody.", required: true }],
    submit: "Let it serve",
    act: async ({ reason }) => moved(await post("models/promote", { by: me(), version: number, champion, reason })),
  });
}

function moved({ version }) {
  say(`${overview.model}:${version} serves; workers take it up one after the other`);
  load();
}

function drawEvents() {
  const events = docs("events").sort((one, other) => (one.time < other.time ? 1 : -1));
  const drift = events.filter(({ kind }) => kind === "drift").slice(0, 5);
  const rest = events.filter(({ kind }) => kind !== "drift").slice(0, EVENTS_SHOWN);
  const none = state.status.loaded ? null : "Reading the topics\u2026";
  draw(parts.drift, drift, empty(none ?? "No drift was found.", none ? "" : "Workers compare the stream with what the model was trained on."));
  draw(parts.history, rest, empty(none ?? "Nothing has happened yet.", none ? "" : "Runs, promotions, rejections and swaps are told here."));
}

function draw(place, events, none) {
  sync(place, events.length ? events : [null], (event) => event?.id ?? "", (event) => event ?? [state.status.loaded], (event) => (event ? line(event) : h("li", {}, none)));
}

function line({ kind, time, by, version, previous, reasons }) {
  const about = [version ? `version ${version}` : "", previous && previous !== version ? `after ${previous}` : ""].filter(Boolean).join(", ");
  return h(
    "li",
    {},
    h("div", { class: "what" }, h("p", {}, h("span", { class: `chip ${KINDS[kind] ?? ""}` }, spoken(kind)), about ? ` ${about}` : ""), reasons.slice(0, 3).map((reason) => h("p", { class: "small" }, reason)), h("span", { class: "small" }, moment(time), ` by ${by}`)),
  );
}
