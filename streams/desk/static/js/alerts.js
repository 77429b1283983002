// What rings, with its evidence; and what is over.
import { empty, h, sync } from "./dom.js";
import { count, moment, percent, plural, span } from "./format.js";
import { askFalseAlarm, askSilence, toggleWatch, withdrawFalseAlarm } from "./opinion.js";
import { latestWindow, volumes } from "./sparkline.js";
import { doc, docs, section, state } from "./store.js";
import { announce } from "./tell.js";

const LEVELS = ["red", "orange", "yellow"];
const OVER_SHOWN = 15;
let known = null;

/** Alerts that fire, the most serious and latest first. */
export function firing() {
  return docs("alerts")
    .filter(({ status }) => status === "firing")
    .sort((one, other) => Boolean(silencing(one)) - Boolean(silencing(other)) || LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level) || (one.began < other.began ? 1 : -1));
}

/** Draw both lists. */
export function drawAlerts(place, overPlace, overPanel) {
  const ringing = firing();
  tellNew(ringing);
  const end = latestWindow(docs("trends"));
  const sign = (alert) => [alert, silencing(alert), section("watchlist").has(alert.subject), doc("trends", alert.subject), end, span(alert.began)];
  const items = ringing.length ? ringing : [null];
  sync(place, items, (alert) => alert?.key ?? "", (alert) => alert && sign(alert), (alert) => (alert ? card(alert, end, alert === ringing[0] || alert.level === "red") : calm()));
  const over = docs("alerts")
    .filter(({ status }) => status === "resolved")
    .sort((one, other) => (one.ended < other.ended ? 1 : -1))
    .slice(0, OVER_SHOWN);
  overPanel.hidden = !over.length;
  sync(overPlace, over, ({ key }) => key, (alert) => [alert, section("watchlist").has(alert.subject)], (alert) => card(alert, end));
}

function calm() {
  const loaded = state.status.loaded;
  return empty(
    loaded ? "Nothing rings." : "Reading the topics\u2026",
    loaded ? "What is said of each subject is as its own past lets expect. Alerts appear here as they begin." : "",
  );
}

/** New alerts are told to screen readers: silenced ones and those of old are not. */
function tellNew(ringing) {
  const keys = new Set(ringing.map(({ key }) => key));
  if (known !== null) {
    for (const alert of ringing) {
      if (!known.has(alert.key) && !silencing(alert) && !alert.past) announce(`New ${alert.level} alert: ${alert.summary || alert.told}`, "assertive");
    }
  }
  if (state.status.loaded) known = keys;
}

/** The silence in force that mutes an alert, as the worker judged it or as the page sees it since. */
function silencing(alert) {
  const now = new Date().toISOString();
  const inForce = docs("silences").filter(({ starts, ends }) => new Date(starts) <= Date.now() && ends > now);
  return inForce.find(({ id, matchers }) => alert.silenced_by.includes(id) || matchers.every((matcher) => matchesPlainly(matcher, alert.labels)));
}

/** Only `label=value`: whatever is more than that the worker judges, and tells with the alert's next change. */
function matchesPlainly(matcher, labels) {
  const [, name, value] = /^(\w+)=([^~].*)$/s.exec(matcher) ?? [];
  return name !== undefined && labels[name] === value;
}

function card(alert, end, isOpen = false) {
  const isOver = alert.status === "resolved";
  const { evidence } = alert;
  const silence = isOver ? null : silencing(alert);
  const trend = doc("trends", alert.subject);
  const id = `alert-${alert.id}`;
  return h(
    "article",
    { class: `alert ${isOver ? "over" : `level-${alert.level}`}`, role: "listitem", tabindex: -1, "aria-labelledby": id },
    h(
      "div",
      { class: "alert-head" },
      h("span", { class: `chip strong level-${alert.level}` }, alert.level),
      h("h3", { id }, alert.told),
      alert.watched ? h("span", { class: "chip accent" }, "watched") : null,
      silence ? h("span", { class: "chip" }, "silenced until ", moment(silence.ends)) : null,
      alert.past ? h("span", { class: "chip" }, "found in history") : null,
      alert.verdict ? h("span", { class: "chip" }, `false alarm, says ${alert.verdict.by}`) : null,
      h("span", { class: "since" }, isOver ? [moment(alert.began), " to ", moment(alert.ended), `, ${span(alert.began, alert.ended)}`] : ["since ", moment(alert.began), `, ${span(alert.began)}`]),
    ),
    h(
      "div",
      { class: "alert-main" },
      h(
        "div",
        {},
        h(
          "p",
          { class: "alert-figures" },
          h("strong", {}, count(evidence.observed)),
          ` of ${plural(evidence.volume, "message")} negative (${percent(evidence.share)}) in ${span(evidence.window_start, evidence.window_end)}; `,
          h("strong", {}, evidence.expected.toFixed(1)),
          ` usual (${percent(evidence.expected_share)})`,
        ),
        alert.brief
          ? h("p", { class: "brief words" }, alert.brief.text, h("span", { class: "by" }, alert.brief.origin === "generated" ? "Brief by the generator, checked against the evidence" : "Brief in set words"))
          : null,
        quotes(alert, isOpen),
        h(
          "div",
          { class: "buttons" },
          isOver ? null : h("button", { type: "button", data: { part: "silence" }, onclick: () => askSilence(alert) }, "Silence\u2026"),
          alert.verdict
            ? h("button", { type: "button", data: { part: "false" }, onclick: (event) => withdrawFalseAlarm(alert, event.currentTarget) }, "Not a false alarm after all")
            : h("button", { type: "button", data: { part: "false" }, onclick: () => askFalseAlarm(alert) }, "False alarm\u2026"),
          isOver ? null : watchButton(alert.subject),
        ),
      ),
      isOver ? null : h("div", { class: "alert-side" }, trend ? volumes(trend, end, 240, 44) : null, isOpen ? facts(alert) : null),
    ),
  );
}

/** A button that puts a subject on the watchlist, or takes it off. */
export function watchButton(subject, told = "Watch") {
  const watched = section("watchlist").has(subject);
  return h("button", { type: "button", "aria-pressed": watched, "aria-label": `Watch ${subject}`, data: { part: "watch" }, onclick: (event) => toggleWatch(subject, event.currentTarget) }, watched ? "Watched" : told);
}

function quotes(alert, isOpen) {
  const { evidence } = alert;
  return h(
    "details",
    { open: isOpen, data: { part: "evidence" } },
    h("summary", { data: { part: "evidence-summary" } }, `Evidence: ${plural(evidence.messages.length, "message")}`),
    h(
      "div",
      { class: "evidence" },
      evidence.messages.map((message) =>
        h(
          "blockquote",
          {},
          h("p", { class: "words" }, message.text),
          h("p", { class: "from" }, `${message.source} \u00b7 `, moment(message.time), ` \u00b7 ${message.sentiment} ${message.score.toFixed(2)}`, message.copies > 1 ? ` \u00b7 ${message.copies} copies` : ""),
        ),
      ),
    ),
    isOpen ? null : facts(alert),
  );
}

function facts({ evidence, changes }) {
  return h(
    "dl",
    { class: "facts" },
    fact("Course", changes.length > 1 ? changes.map(({ time, level, status }, place) => [place ? ", " : "", moment(time), ` ${status === "firing" ? level : "over"}`]) : ""),
    fact("Sources", ranked(evidence.sources)),
    fact("Also named", ranked(evidence.entities)),
    fact("By chance", `p ${small(evidence.p_value)}; below ${small(evidence.threshold)} it rings`),
    fact("Copies", evidence.duplicates ? `${count(evidence.duplicates)} left out` : ""),
    fact("Model", evidence.model),
  );
}

const small = (value) => (value >= 0.001 || value === 0 ? String(Number(value.toPrecision(2))) : value.toExponential(0));

const fact = (name, value) => (value.length ? [h("dt", {}, name), h("dd", {}, value)] : []);

const ranked = (shares) =>
  Object.entries(shares)
    .sort((one, other) => other[1] - one[1])
    .map(([name, share]) => `${name} ${percent(share)}`)
    .join(", ");
