// Who acts at this browser. Every record that the page writes carries the name.
import { ask } from "./dialog.js";
import { owner } from "./session.js";
import { state, touch } from "./store.js";
import { say } from "./tell.js";

const PLACE = "tocsin-desk-name";

/** The name, as given here or as the desk proposes. */
export function me() {
  return owner().name || localStorage.getItem(PLACE) || state.about?.speaker || "desk";
}

/** Ask for the name; one that goes with the token is told, and cannot be changed. */
export function askName() {
  const { name: own, read_only: looks } = owner();
  if (own) return say(`You opened the desk as ${own}${looks ? ", who may look and change nothing" : ""}. Another token is another name.`);
  return ask({
    title: "Your name",
    text: "It stands with what you do here: silences, labels, answers. Several people may use one desk.",
    fields: [{ name: "name", label: "Name", value: me(), required: true }],
    submit: "Keep",
    act: async ({ name }) => {
      localStorage.setItem(PLACE, name.slice(0, 128));
      touch("about");
    },
  });
}
