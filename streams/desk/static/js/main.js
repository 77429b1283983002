// The page: its session, its four parts, and which of them is shown.
import { empty, h, replace } from "./dom.js";
import { listenToKeys, showKeys } from "./keys.js";
import { buildLabels } from "./labels.js";
import { askName, me } from "./me.js";
import { buildModels, load as loadModels } from "./models.js";
import { buildNow } from "./now.js";
import { buildReplies } from "./replies.js";
import { openSession, openWith, owner } from "./session.js";
import { doc, docs, listen, state } from "./store.js";
import { follow } from "./stream.js";

const PAGES = [["now", "Now"], ["replies", "Replies"], ["labels", "Labels"], ["models", "Models"]];
const byId = (id) => document.getElementById(id);
let isOpen = false;

/** The page that is shown: the address says it. */
function current() {
  const name = location.hash.slice(1);
  return PAGES.some(([page]) => page === name) ? name : "now";
}

function showPage() {
  if (!isOpen) return;
  const page = current();
  for (const [name, title] of PAGES) {
    byId(`page-${name}`).hidden = name !== page;
    const link = byId(`to-${name}`);
    if (name === page) {
      link.setAttribute("aria-current", "page");
      document.title = `${title} \u00b7 Tocsin desk`;
    } else link.removeAttribute("aria-current");
  }
  if (page === "models") loadModels();
}

function buildTabs() {
  replace(byId("tabs"), PAGES.map(([name, title]) => h("a", { href: `#${name}`, id: `to-${name}` }, title, h("span", { class: "count", id: `count-${name}`, hidden: true }))));
  window.addEventListener("hashchange", () => {
    showPage();
    window.scrollTo(0, 0);
  });
}

function drawTabs() {
  const firing = docs("alerts").filter(({ status }) => status === "firing").length;
  const waiting = docs("conversations").filter(({ state: how }) => how === "review" || how === "handoff").length;
  tell("now", firing, "firing");
  byId("count-now").classList.toggle("rings", firing > 0);
  tell("replies", waiting, "to look at");
  tell("labels", doc("labelling", "order")?.messages.length ?? 0, "to label");
}

function tell(page, many, what) {
  const place = byId(`count-${page}`);
  place.hidden = many === 0;
  replace(place, String(many), h("span", { class: "visually-hidden" }, ` ${what}`));
}

function drawFrame() {
  const { about, status, connected } = state;
  byId("domain").textContent = (about?.domain ?? "").split(":")[0];
  byId("domain").title = about?.domain ?? "";
  byId("me").textContent = me();
  const { name: own, read_only: looks } = owner();
  byId("me").setAttribute("aria-label", `You are ${me()}${own ? (looks ? ": you may look and change nothing" : "") : ": change the name"}`);
  const connection = byId("connection");
  connection.className = `connection ${connected && !status.problem ? "live" : "away"}`;
  connection.textContent = connected ? (status.problem ? "Brokers away" : status.loaded ? "Live" : "Reading") : "Reconnecting";
  const banner = byId("banner");
  const problem = connected ? status.problem && `The topics cannot be followed; this is what was known: ${status.problem}` : "The desk does not answer; this is what was known. It is tried again by itself.";
  banner.hidden = !problem || about === null;
  if (problem && banner.textContent !== problem) banner.textContent = problem;
}

function lock(message) {
  isOpen = false;
  const page = byId("page-locked");
  const token = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const problem = h("p", { class: "negative", role: "alert" }, message ?? "");
  const form = h("form", { class: "body" }, h("p", {}, "Open the address that ", h("code", {}, "tocsin desk"), " printed when it started, or give the token that stands in it."), h("div", {}, h("label", { for: "token" }, "Token"), token), problem, h("div", {}, h("button", { type: "submit", class: "primary" }, "Open")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await openWith(token.value.trim());
      location.reload();
    } catch (error) {
      problem.textContent = error.message;
    }
  });
  for (const [name] of PAGES) byId(`page-${name}`).hidden = true;
  page.hidden = false;
  replace(page, h("div", { class: "panel locked" }, h("header", {}, h("h1", { id: "title-locked" }, "This desk is locked")), form));
  byId("tabs").hidden = true;
}

async function start() {
  try {
    await openSession();
  } catch (error) {
    if (error.status === 401) lock();
    else replace(byId("page-now"), empty("The desk cannot be opened.", error.message));
    byId("page-now").hidden = error.status === 401;
    return;
  }
  isOpen = true;
  buildTabs();
  buildNow(byId("page-now"));
  buildReplies(byId("page-replies"));
  buildLabels(byId("page-labels"));
  buildModels(byId("page-models"), () => current() === "models");
  listen(["alerts", "conversations", "labelling"], drawTabs);
  listen(["about", "status"], drawFrame);
  byId("me").addEventListener("click", askName);
  byId("help").addEventListener("click", () => showKeys(current()));
  listenToKeys(current, (page) => {
    location.hash = page;
  });
  showPage();
  follow(() => lock("The desk was started anew, with another token."));
}

start();
