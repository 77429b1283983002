// Who acts at this browser. Every record that the page writes carries the name.
import { ask } from "./dialog.js";
import { state, touch } from "./store.js";

const PLACE = "tocsin-desk-name";

/** The name, as given here or as the desk proposes. */
export function me() {
  return localStorage.getItem(PLACE) || state.about?.speaker || "desk";
}

/** Ask for the name. */
export function askName() {
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
