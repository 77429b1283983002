// Following the desk by server-sent events. Each connection begins with a snapshot, so that nothing is missed.
import { get } from "./session.js";
import { state, takeChanges, takeSnapshot, takeStatus, touch } from "./store.js";

const PAUSE_MS = 1500;

/** Follow from now on; `onLocked` is called where the desk no longer knows this browser. */
export function follow(onLocked) {
  const source = new EventSource("/api/events");
  const on = (name, take) => source.addEventListener(name, (event) => {
    tell(true);
    take(JSON.parse(event.data));
  });
  on("snapshot", takeSnapshot);
  on("changes", takeChanges);
  on("status", takeStatus);
  source.addEventListener("error", () => {
    tell(false);
    // The browser tries again by itself, but for an answer that is no stream: then we look why.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => again(onLocked), PAUSE_MS);
  });
}

async function again(onLocked) {
  try {
    await get("/api/session");
    follow(onLocked);
  } catch (error) {
    if (error.status === 401) onLocked();
    else setTimeout(() => again(onLocked), PAUSE_MS);
  }
}

function tell(connected) {
  if (state.connected === connected) return;
  state.connected = connected;
  touch("status");
}
