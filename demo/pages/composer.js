// The box to write in.

import { h, svg } from "./dom.js";

const PLANE = ["path", { d: "M2 2.5l16 7.5-16 7.5 3-7.5z", fill: "currentColor" }];

// `send(text, broadcast)` resolves to an answer that may carry an error. `closed` says why nobody can write here.
export function composer(placeholder, closed, send, broadcastLabel = null) {
  if (closed) return h("p", { class: "composer closed" }, closed);
  const box = h("textarea", { rows: 1, placeholder, "aria-label": placeholder });
  const broadcast = broadcastLabel && h("input", { type: "checkbox" });
  const problem = h("span", { class: "problem", role: "alert" });
  const button = h("button", { class: "send", "aria-label": "Send" }, svg(20, PLANE));
  const submit = async (event) => {
    event.preventDefault();
    const text = box.value;
    if (!text.trim()) return;
    box.value = "";
    ready();
    const answer = await send(text, Boolean(broadcast?.checked));
    problem.textContent = answer.error ? `Not sent: ${answer.error.replaceAll("_", " ")}` : "";
    if (answer.error) box.value = [text, box.value].filter(Boolean).join("\n"); // with what was typed since
    else if (broadcast) broadcast.checked = false;
    ready();
  };
  const ready = () => button.classList.toggle("ready", Boolean(box.value.trim()));
  box.addEventListener("input", ready);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
    else return;
    event.preventDefault();
  });
  const choice = broadcast && h("label", {}, broadcast, broadcastLabel);
  const form = h("form", { class: "composer", onsubmit: submit }, box, h("div", { class: "bar" }, choice, problem, button));
  return form;
}
