// Small drawings of how much was said, and how much of it is negative, window by window.
import { svg } from "./dom.js";
import { count, hour, percent } from "./format.js";

const WINDOWS = 36;

/** Windows of a subject over the same stretch of time as all others: gaps are where nothing was said. */
function stretch(trend, end) {
  const step = trend.window_seconds;
  const first = end - (WINDOWS - 1) * step;
  return trend.windows
    .map(([start, volume, negative, usual]) => ({ place: Math.round((start - first) / step), start, volume, negative, usual }))
    .filter(({ place }) => place >= 0 && place < WINDOWS);
}

/** Latest window that any subject has, seconds. */
export const latestWindow = (trends) =>
  Math.max(0, ...trends.map((trend) => trend.windows[trend.windows.length - 1]?.[0] ?? 0));

/** Bars of volume, the negative part of each in red, and a line where the volume is usual. */
export function volumes(trend, end, width = 150, height = 30) {
  const windows = stretch(trend, end);
  const most = Math.max(1, ...windows.map(({ volume, usual }) => Math.max(volume, usual)));
  const cell = width / WINDOWS;
  const tall = (value) => (height - 2) * (value / most);
  const bar = (name, place, value) =>
    svg("rect", { class: name, x: (place * cell).toFixed(2), y: (height - 1 - tall(value)).toFixed(2), width: (cell - 1).toFixed(2), height: Math.max(tall(value), value ? 1 : 0).toFixed(2) });
  const usual = windows.map(({ place, usual: value }) => `${((place + 0.5) * cell).toFixed(2)},${(height - 1 - tall(value)).toFixed(2)}`);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, preserveAspectRatio: "none", role: "img", "aria-label": told(windows) },
    svg("line", { class: "ground", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }),
    windows.map(({ place, volume }) => bar("volume", place, volume)),
    windows.map(({ place, negative }) => bar("negative", place, negative)),
    usual.length > 1 ? svg("polyline", { class: "usual", points: usual.join(" ") }) : null,
  );
}

/** The share of negatives as a line, from nothing to all. */
export function shares(trend, end, width = 90, height = 30) {
  const windows = stretch(trend, end).filter(({ volume }) => volume > 0);
  const cell = width / WINDOWS;
  const points = windows.map(({ place, volume, negative }) => [(place + 0.5) * cell, height - 2 - (height - 4) * (negative / volume)]);
  const last = points[points.length - 1];
  const volume = windows.reduce((sum, window) => sum + window.volume, 0);
  const negative = windows.reduce((sum, window) => sum + window.negative, 0);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Negative share: ${percent(volume ? negative / volume : 0)} in all` },
    svg("line", { class: "half", x1: 0, x2: width, y1: height / 2, y2: height / 2 }),
    svg("polyline", { class: "share", points: points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ") }),
    last ? svg("circle", { class: "share-end", cx: last[0].toFixed(2), cy: last[1].toFixed(2), r: 2 }) : null,
  );
}

/** Volume and negatives of the last hour before the latest window's end. */
export function lastHour(trend, end) {
  const from = end + trend.window_seconds - 3600;
  return trend.windows
    .filter(([start]) => start >= from)
    .reduce((sum, [, volume, negative, usual]) => ({ volume: sum.volume + volume, negative: sum.negative + negative, usual: sum.usual + usual }), { volume: 0, negative: 0, usual: 0 });
}

function told(windows) {
  if (!windows.length) return "Nothing was said";
  const volume = windows.reduce((sum, window) => sum + window.volume, 0);
  const most = windows.reduce((one, other) => (other.volume > one.volume ? other : one));
  return `${count(volume)} messages from ${hour(windows[0].start)} to ${hour(windows[windows.length - 1].start)}, most at ${hour(most.start)}: ${count(most.volume)}, ${count(most.negative)} of them negative`;
}
