// Subjects: how much is said of each, and how much of it is negative.
import { watchButton } from "./alerts.js";
import { empty, h, replace, sync } from "./dom.js";
import { count, percent } from "./format.js";
import { lastHour, latestWindow, shares, volumes } from "./sparkline.js";
import { docs, section } from "./store.js";

const FIRST_SHOWN = 14;
const KINDS = { topic: "topic", entity: "entity", entity_topic: "entity in a topic" };

const body = h("tbody");
const search = h("input", { type: "search", placeholder: "Find a subject", "aria-label": "Find a subject", autocomplete: "off" });
const kind = h("select", { "aria-label": "Kind of subject" }, h("option", { value: "" }, "All kinds"), Object.entries(KINDS).map(([value, told]) => h("option", { value }, told)));
const more = h("div", { class: "more" });
let showAll = false;

/** The panel; its parts are drawn by `drawSubjects`. */
export function subjectsPanel() {
  search.addEventListener("input", drawSubjects);
  kind.addEventListener("change", drawSubjects);
  const head = (text, kindOf = "") => h("th", { scope: "col", class: kindOf }, text);
  return h(
    "section",
    { class: "panel subjects", "aria-labelledby": "title-subjects" },
    h(
      "header",
      {},
      h("h2", { id: "title-subjects" }, "Subjects"),
      h("span", { class: "small muted" },
        h("span", { class: "legend" }, h("span", { class: "swatch" }), "messages"),
        h("span", { class: "legend" }, h("span", { class: "swatch negative" }), "negative"),
        h("span", { class: "legend" }, h("span", { class: "swatch usual" }), "usual")),
      h("div", { class: "filter" }, search, kind),
    ),
    h(
      "div",
      { class: "scroller" },
      h("table", {}, h("thead", {}, h("tr", {}, head("Subject"), head("Volume"), head("Last hour", "number"), head("Usual", "number optional"), head("Negative", "number"), head("Share", "optional"), head("", "optional"))), body),
    ),
    more,
  );
}

/** Put the focus where a subject is looked for. */
export function findSubject() {
  search.focus();
  return true;
}

/** Draw the table. */
export function drawSubjects() {
  const all = docs("trends");
  const end = latestWindow(all);
  const rings = new Set(docs("alerts").filter(({ status }) => status === "firing").map(({ subject }) => subject));
  const wanted = search.value.trim().toLowerCase();
  const found = all
    .filter((trend) => (!kind.value || trend.kind === kind.value) && (trend.subject.toLowerCase().includes(wanted) || trend.told.toLowerCase().includes(wanted)))
    .map((trend) => ({ trend, hour: lastHour(trend, end), rings: rings.has(trend.subject), watched: section("watchlist").has(trend.subject) }))
    .sort((one, other) => other.rings - one.rings || other.watched - one.watched || other.hour.volume - one.hour.volume || (one.trend.subject < other.trend.subject ? -1 : 1));
  const shown = showAll || wanted ? found : found.slice(0, FIRST_SHOWN);
  sync(body, shown.length ? shown : [null], (item) => item?.trend.subject ?? "", (item) => item && [item, end], (item) => (item ? row(item, end) : nothing(all.length)));
  replace(more, found.length > shown.length || showAll ? h("button", { type: "button", class: "link", onclick: () => { showAll = !showAll; drawSubjects(); } }, showAll ? "Show the first alone" : `Show all ${count(found.length)}`) : null);
  more.hidden = !more.children.length;
}

function row({ trend, hour, rings }, end) {
  const { subject, told } = trend;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, trend.kind === "topic" ? told.replace(/^topic /, "") : told, " ", h("span", { class: "kind" }, trend.kind === "topic" ? "topic" : ""), rings ? h("span", { class: "chip bad" }, "rings") : null),
    h("td", {}, volumes(trend, end)),
    h("td", { class: "number" }, count(hour.volume)),
    h("td", { class: "number optional muted" }, hour.usual.toFixed(0)),
    h("td", { class: "number" }, hour.volume ? percent(hour.negative / hour.volume) : "\u2013"),
    h("td", { class: "optional" }, shares(trend, end)),
    h("td", { class: "optional" }, watchButton(subject)),
  );
}

function nothing(known) {
  const told = known ? empty("No such subject.", "Try a part of its name.") : empty("Nothing is counted yet.", "Trends come window by window from a running worker: ", h("code", {}, "tocsin worker"), ". Feed it with ", h("code", {}, "tocsin feed"), ".");
  return h("tr", {}, h("td", { colspan: 7 }, told));
}
