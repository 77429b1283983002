// Times, numbers and names for people. Times are those of the browser's own zone.
import { h } from "./dom.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const number = new Intl.NumberFormat("en");

/** A moment as a `<time>`: the hour where it is of today, else with its day. */
export function moment(iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const text = today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
  return h("time", { datetime: date.toISOString(), title: whole.format(date) }, text);
}

/** Hour and minute alone. */
export const hour = (seconds) => clock.format(new Date(seconds * 1000));

/** How long from one moment to another, such as `48 min`. */
export function span(from, to = Date.now()) {
  const minutes = Math.max(0, Math.round((new Date(to) - new Date(from)) / 60000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

export const count = (value) => number.format(value);
export const percent = (share) => `${Math.round(100 * share)}%`;
export const figure = (value, digits = 2) =>
  value === null || value === undefined ? "" : Number(value).toFixed(digits);
/** `two_words` as people write it. */
export const spoken = (name) => String(name ?? "").replaceAll("_", " ");
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
