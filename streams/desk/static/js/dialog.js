// Asking a person for something, in a dialog that Escape closes.
import { h } from "./dom.js";

let number = 0;

/**
 * Ask, and do. `fields` are `{name, label, kind: "text" | "choice" | "words", value, options, hint, required}`; `act`
 * gets their values, and what it throws is shown in the dialog. Resolves to whether it was done.
 */
export function ask({ title, text, fields = [], submit, danger = false, act }) {
  return new Promise((resolve) => {
    const id = `dialog-${(number += 1)}`;
    const problem = h("p", { class: "problem", role: "alert" });
    const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, submit);
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id }, title),
      text ? h("p", { class: "muted" }, text) : null,
      fields.map((field, place) => row(`${id}-${field.name}`, field, place === 0)),
      problem,
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), button),
    );
    const dialog = h("dialog", { "aria-labelledby": id, data: { busy: "" } }, form);
    let done = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      // Ctrl+Enter comes here past a button that is disabled; held down, it would do the same many times.
      if (button.disabled) return;
      button.disabled = true;
      try {
        await act(Object.fromEntries(fields.map((field) => [field.name, form.elements[field.name].value.trim()])));
        done = true;
        dialog.close();
      } catch (error) {
        problem.textContent = error.message;
        button.disabled = false;
      }
    });
    // Ctrl+Enter sends from a field of several lines.
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function row(id, { name, label, kind = "text", value = "", options, hint, required }, isFirst) {
  const shared = { id, name, required, autofocus: isFirst, "aria-describedby": hint ? `${id}-hint` : null };
  const control = {
    text: () => h("input", { type: "text", ...shared, value, maxlength: 300 }),
    words: () => h("textarea", { ...shared, value, maxlength: 2000, rows: 3 }),
    choice: () => h("select", shared, options.map(([key, told]) => h("option", { value: key, selected: key === value }, told))),
  }[kind]();
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null,
  );
}

/** Show something until it is closed. */
export function show(title, ...content) {
  const id = `dialog-${(number += 1)}`;
  const dialog = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    content,
    h("div", { class: "buttons" }, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => dialog.close() }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
