// Now: what rings, what is said of whom, what is watched and what is muted.
import { drawAlerts, firing } from "./alerts.js";
import { h, replace } from "./dom.js";
import { count, percent } from "./format.js";
import { keysOf } from "./keys.js";
import { drawSilences, drawWatchlist } from "./lists.js";
import { lastHour, latestWindow } from "./sparkline.js";
import { doc, docs, listen, state } from "./store.js";
import { drawSubjects, findSubject, subjectsPanel } from "./subjects.js";
import { askSilence, askWatch } from "./opinion.js";

/** Build the page once; it redraws what changes. */
export function buildNow(page) {
  const figures = h("dl", { class: "figures" });
  const alerts = h("div", { class: "alerts", role: "list", "aria-labelledby": "title-firing" });
  const over = h("div", { role: "list", "aria-labelledby": "title-over" });
  const watchlist = h("ul", { class: "rows" });
  const silences = h("ul", { class: "rows" });
  const subjects = subjectsPanel();
  const overPanel = panel("title-over", "Over", over);
  replace(
    page,
    h("h1", { class: "visually-hidden", id: "title-now" }, "Now"),
    figures,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, panel("title-firing", "Firing", alerts), subjects, overPanel),
      h(
        "div",
        { class: "stack" },
        panel("title-watchlist", "Watchlist", watchlist, h("button", { type: "button", onclick: () => askWatch() }, "Watch\u2026")),
        panel("title-silences", "Silences", silences, h("button", { type: "button", onclick: () => askSilence() }, "Silence\u2026")),
      ),
    ),
  );
  listen(["alerts", "trends", "conversations", "labelling", "pointers", "status", "about"], () => drawFigures(figures));
  listen(["alerts", "trends", "silences", "watchlist", "about"], () => drawAlerts(alerts, over, overPanel));
  listen(["trends", "watchlist", "alerts"], drawSubjects);
  listen(["watchlist"], () => drawWatchlist(watchlist));
  listen(["silences", "about"], () => drawSilences(silences));
  keysOf("now", [["j", "Next alert"], ["k", "The one before"], ["/", "Find a subject"]], ({ key }) => {
    if (key === "/") return findSubject();
    return step({ j: 1, k: -1 }[key], [...page.querySelectorAll("article.alert")]);
  });
  // What ends by the clock, and how long ago things were.
  setInterval(() => {
    drawAlerts(alerts, over, overPanel);
    drawSilences(silences);
  }, 30_000);
}

/** Move the focus to the next alert, or the one before. */
function step(by, alerts) {
  if (!by || !alerts.length) return false;
  const at = alerts.findIndex((alert) => alert.contains(document.activeElement));
  const next = alerts[at < 0 ? 0 : Math.max(0, Math.min(alerts.length - 1, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

/** A part of a page with its heading. */
export function panel(id, title, content, ...controls) {
  return h("section", { class: "panel", "aria-labelledby": id }, h("header", {}, h("h2", { id }, title), controls), content);
}

function drawFigures(place) {
  const ringing = firing();
  const red = ringing.filter((alert) => alert.level === "red").length;
  const topics = docs("trends").filter((trend) => trend.kind === "topic");
  const end = latestWindow(docs("trends"));
  const hour = topics.map((trend) => lastHour(trend, end)).reduce((sum, one) => ({ volume: sum.volume + one.volume, negative: sum.negative + one.negative }), { volume: 0, negative: 0 });
  const drafts = docs("conversations").filter(({ state: how }) => how === "review" || how === "handoff").length;
  const champion = doc("pointers", "champion");
  const figure = (name, value, note, kind = "") => h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value, note ? h("small", {}, ` ${note}`) : null));
  replace(
    place,
    figure("Firing", count(ringing.length), red ? `${red} red` : "", ringing.length ? "rings" : ""),
    figure("Messages read", state.status.per_second.toFixed(1), "a second"),
    figure("Negative, last hour", hour.volume ? percent(hour.negative / hour.volume) : "\u2013", hour.volume ? `of ${count(hour.volume)}` : ""),
    figure("Replies to look at", count(drafts)),
    figure("To label", count(doc("labelling", "order")?.messages.length ?? 0)),
    figure("Model that serves", champion?.version ? `${champion.model}:${champion.version}` : "\u2013"),
  );
}
