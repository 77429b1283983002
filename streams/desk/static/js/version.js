// One version: its figures, what the gate found of it, its report and pictures.
import { h, replace } from "./dom.js";
import { count, figure, moment, spoken } from "./format.js";
import { sentence } from "./reasons.js";
import { reportOf } from "./report.js";

const SHOWN = { topic: ["macro_f1", "accuracy"], sentiment: ["macro_f1", "accuracy"], intent: ["macro_f1", "accuracy"], towards: ["macro_f1", "accuracy"], entities: ["f1", "recall"] };
const TITLES = { towards: "sentiment towards" };

/** Draw a version; `promote` is called with its number. */
export function drawVersion(place, { model, champion }, version, promote) {
  const number = version.version;
  const report = h("div", { hidden: true });
  replace(
    place,
    h(
      "header",
      {},
      h("h2", {}, `${model}:${number}`),
      version.report ? h("button", { type: "button", "aria-expanded": "false", onclick: (event) => showReport(report, version, event.currentTarget) }, "Report") : null,
      number === champion ? h("span", { class: "chip good" }, "serves") : h("button", { type: "button", onclick: () => promote(number) }, "Let it serve\u2026"),
    ),
    h(
      "div",
      { class: "body" },
      report,
      metrics(version.metrics),
      decision(version, model),
      version.plots.length ? plots(number, version.plots) : null,
      lineage(version),
    ),
  );
}

function metrics(all) {
  const heads = Object.entries(SHOWN).filter(([name]) => all[name]);
  return h(
    "dl",
    { class: "metrics" },
    heads.map(([name, [first, second]]) => h("div", {}, h("dt", {}, `${sentence(TITLES[name] ?? spoken(name))}, F1`), h("dd", {}, figure(all[name][first], 3), h("small", {}, ` ${second} ${figure(all[name][second], 3)}`)))),
  );
}

/** In the words of `tocsin models why`. */
function decision({ decision: found, version, parent }, model) {
  if (!found) {
    const why = parent === null ? ["was made by ", h("code", {}, "tocsin models bootstrap"), ", and never judged."] : "was never judged: its run ended before.";
    return h("p", { class: "muted" }, `${model}:${version} `, why);
  }
  const head = (text, kind = "") => h("th", { scope: "col", class: kind }, text);
  const checks = Object.entries(found.figures).sort(([, one], [, other]) => one.passed - other.passed);
  return h(
    "div",
    {},
    h("h3", {}, `${model}:${version} ${found.promote ? "is better than" : "does not take the place of"} version ${found.champion}, as judged `, moment(found.time)),
    h("ul", { class: "reasons" }, found.reasons.map((reason) => h("li", {}, reason))),
    h(
      "details",
      {},
      h("summary", {}, `All ${count(checks.length)} checks`),
      h(
        "div",
        { class: "scroller" },
        h("table", {}, h("thead", {}, h("tr", {}, head("Looked at"), head("Champion", "number"), head("Candidate", "number"), head("Ahead by, between"), head("Messages", "number"), head(""))), h("tbody", {}, checks.map(check))),
      ),
    ),
  );
}

function check([name, { champion, candidate, low, high, rows, passed, note }]) {
  return h(
    "tr",
    { class: passed ? "" : "failed" },
    h("th", { scope: "row" }, name),
    h("td", { class: "number" }, figure(champion, 3)),
    h("td", { class: "number" }, figure(candidate, 3)),
    h("td", { class: "mono" }, low === null ? "" : `${signed(low)} and ${signed(high)}`),
    h("td", { class: "number" }, rows ? count(rows) : ""),
    h("td", {}, passed ? (note ? `passed: ${note}` : "passed") : h("strong", { class: "negative" }, "failed")),
  );
}

const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(3)}`;

function plots(number, names) {
  return h("div", {}, h("h3", {}, "Pictures"), h("div", { class: "plots" }, names.map((name) => h("figure", {}, h("img", { src: `/api/models/${number}/files/${encodeURIComponent(name)}`, alt: spoken(name.replace(/\.png$/, "").replaceAll("-", " ")), loading: "lazy" }), h("figcaption", {}, name)))));
}

function lineage({ lineage: from, created, precision, max_tokens: tokens, megabytes }) {
  const facts = { made: moment(created), served: `${precision}, ${tokens} tokens, ${megabytes} MB`, ...from };
  return h(
    "details",
    {},
    h("summary", {}, "What it was made from"),
    h("dl", { class: "facts" }, Object.entries(facts).filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, spoken(name)), h("dd", { class: typeof value === "string" && value.length > 40 ? "mono" : "" }, value instanceof Node ? value : typeof value === "object" ? JSON.stringify(value) : String(value))])),
  );
}

async function showReport(place, { version, report }, button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  place.hidden = !open;
  if (!open) {
    replace(place);
    return;
  }
  const path = `/api/models/${version}/files/${report}`;
  // In a frame that may run nothing and reach nothing, whatever is in it.
  if (report.endsWith(".html")) replace(place, h("iframe", { class: "report", sandbox: "", src: path, title: `Report of version ${version}` }));
  else replace(place, h("div", { class: "report-text", tabindex: 0, role: "region", "aria-label": `Report of version ${version}` }, reportOf(await text(path), path.slice(0, -report.length))));
}

async function text(path) {
  const answer = await fetch(path);
  return answer.ok ? answer.text() : "The report cannot be read.";
}
