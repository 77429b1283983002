// What a desk says of alerts and subjects: silences, false alarms, the watchlist.
import { ask } from "./dialog.js";
import { me } from "./me.js";
import { post } from "./session.js";
import { section } from "./store.js";
import { attempt, say } from "./tell.js";

const DURATIONS = [["30m", "30 minutes"], ["1h", "1 hour"], ["2h", "2 hours"], ["8h", "8 hours"], ["1d", "1 day"], ["1w", "1 week"]];
const comment = (label, hint) => ({ name: "comment", label, kind: "text", hint });

/** Mute an alert's subject, or whatever the person says. */
export function askSilence(alert) {
  const matchers = { name: "matchers", label: "Mute alerts with", value: alert ? `subject=${alert.subject}` : "", required: true, hint: "label=value, label!=value, label=~regex; several by commas: all must match. Labels: subject, entity, topic, severity." };
  return ask({
    title: alert ? `Silence ${alert.told}` : "Silence alerts",
    text: "Alerts that match are still counted and shown here, but pushed to no Alertmanager.",
    fields: [
      { name: "duration", label: "For", kind: "choice", options: DURATIONS, value: "2h" },
      comment("Why", "Shown to those who wonder."),
      matchers,
    ],
    submit: "Silence",
    act: async (given) => {
      await post("silences/add", { by: me(), duration: given.duration, comment: given.comment, matchers: split(given.matchers) });
      say(`Silenced: ${given.matchers}`);
    },
  });
}

/** Commas part matchers, but for those within a regular expression's braces or brackets, or within quotes. */
const split = (text) => text.match(/(?:"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|[^,])+/g)?.map((part) => part.trim()).filter(Boolean) ?? [];

/** Say that an alert was a false alarm. */
export function askFalseAlarm(alert) {
  return ask({
    title: `False alarm: ${alert.told}`,
    text: "The detector counts this surge among what is usual, and the false alarm is counted in a metric.",
    fields: [comment("What it was instead", "Such as: a competition, no complaint.")],
    submit: "It was a false alarm",
    act: async (given) => {
      await post("alerts/false-alarm", { by: me(), alert: alert.key, comment: given.comment });
      say(`Noted: ${alert.told} was a false alarm`);
    },
  });
}

/** Take back that an alert was a false alarm. */
export function withdrawFalseAlarm(alert, button) {
  return attempt(button, () => post("alerts/no-false-alarm", { by: me(), alert: alert.key }), `Taken back: ${alert.told} was no false alarm`);
}

/** Put a subject on the watchlist. */
export function askWatch() {
  return ask({
    title: "Watch a subject",
    text: "Watched subjects share a false-alarm budget of their own, and so ring sooner.",
    fields: [
      { name: "subject", label: "Subject", required: true, hint: "An entity by any of its names, or topic/NAME, entity/NAME, entity/NAME/topic/NAME." },
      { name: "note", label: "Why" },
    ],
    submit: "Watch",
    act: async (given) => {
      const { subject } = await post("watchlist/add", { by: me(), ...given });
      say(`${subject} is watched`);
    },
  });
}

/** Watch a subject, or watch it no longer. */
export function toggleWatch(subject, button) {
  const watched = section("watchlist").has(subject);
  return attempt(button, () => post(watched ? "watchlist/remove" : "watchlist/add", { by: me(), subject }), `${subject} is ${watched ? "watched no longer" : "watched"}`);
}

/** End a silence now. */
export function expireSilence(id, button) {
  return attempt(button, () => post("silences/expire", { by: me(), id }), "The silence is over");
}
