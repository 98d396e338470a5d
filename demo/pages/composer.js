// The box to write in.

import { h, svg } from "./dom.js";

const PLANE = ["path", { d: "M2 2.5l16 7.5-16 7.5 3-7.5z", fill: "currentColor" }];
const CLIP = ["path", { d: "M14.5 9.5l-5 5a3 3 0 01-4.3-4.3l6.3-6.2a2 2 0 012.9 2.8l-6.2 6.2a1 1 0 01-1.4-1.4l5-5", fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round" }];

// `send(text, { broadcast, file })` resolves to an answer that may carry an error. `closed` says why nobody can write here.
export function composer(placeholder, closed, send, broadcastLabel = null) {
  if (closed) return h("p", { class: "composer closed" }, closed);
  const box = h("textarea", { rows: 1, placeholder, "aria-label": placeholder });
  const broadcast = broadcastLabel && h("input", { type: "checkbox" });
  const problem = h("span", { class: "problem", role: "alert" });
  const button = h("button", { class: "send", "aria-label": "Send" }, svg(20, PLANE));
  const attached = attachment(() => ready());
  const submit = async (event) => {
    event.preventDefault();
    const [text, file] = [box.value, attached.file()];
    if (!text.trim() && !file) return;
    box.value = "";
    attached.set(null);
    const answer = await send(text, { broadcast: Boolean(broadcast?.checked), file });
    problem.textContent = answer.error ? `Not sent: ${answer.error.replaceAll("_", " ")}` : "";
    if (answer.error) box.value = [text, box.value].filter(Boolean).join("\n"); // with what was typed since
    else if (broadcast) broadcast.checked = false;
    if (answer.error && file) attached.set(file);
    ready();
  };
  const ready = () => button.classList.toggle("ready", Boolean(box.value.trim() || attached.file()));
  box.addEventListener("input", ready);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
    else return;
    event.preventDefault();
  });
  const choice = broadcast && h("label", {}, broadcast, broadcastLabel);
  const form = h("form", { class: "composer", onsubmit: submit }, attached.shown, box, h("div", { class: "bar" }, attached.button, choice, problem, button));
  return form;
}

// A file that goes with the words: the button that picks one, and its name with a way to take it back.
function attachment(changed) {
  let file = null;
  const input = h("input", { type: "file", hidden: true, onchange: () => set(input.files[0] ?? null) });
  const shown = h("p", { class: "picked", hidden: true });
  const set = (picked) => {
    file = picked;
    input.value = "";
    shown.hidden = !file;
    shown.replaceChildren(...(file ? [h("span", {}, file.name), h("button", { type: "button", "aria-label": `Remove ${file.name}`, onclick: () => set(null) }, "×")] : []));
    changed();
  };
  const button = h("span", { class: "attach" }, h("button", { type: "button", "aria-label": "Attach a file", title: "Attach a file", onclick: () => input.click() }, svg(20, CLIP)), input);
  return { button, shown, set, file: () => file };
}
