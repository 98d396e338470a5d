// One message as WhatsApp or Telegram draws it: words, files, time and ticks, and the buttons below.

import { clock, h, shared, svg } from "./dom.js";
import { telegram, whatsapp } from "./formats.js";

const stroke = (d) => ["path", { d, fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const ONE = [stroke("M4 11l4 4 8-9")];
const TWO = [stroke("M1 11l4 4 8-9"), stroke("M9.5 14.5l.5.5 8-9")];
const MEANING = { sent: "Sent", delivered: "Delivered", read: "Read" };

function ticks(message) {
  if (!message.mine) return null;
  return h("span", { class: `ticks ${message.ticks}`, role: "img", "aria-label": MEANING[message.ticks] }, svg(20, ...(message.ticks === "sent" ? ONE : TWO)));
}

// The time stands at the end of the last line, where there is room.
function words(app, message, actions, meta) {
  if (!message.text) return meta;
  const nodes = app === "whatsapp" ? whatsapp(message.text) : telegram(message.text, message.entities, (text) => actions.say(text));
  const last = nodes.at(-1);
  if (last.className !== "line") return h("div", { class: "text" }, nodes, meta);
  last.append(meta);
  return h("div", { class: "text" }, nodes);
}

function keyboard(app, message, actions) {
  if (!message.buttons.length) return null;
  const key = (label) => {
    const press = async () => {
      node.disabled = true;
      const answer = await actions.press(message, label);
      node.disabled = false;
      if (answer.error) node.closest(".message").append(h("p", { class: "problem", role: "alert" }, answer.error));
    };
    const node = h("button", { type: "button", onclick: press }, label);
    return node;
  };
  return h("div", { class: "keyboard", role: "group", "aria-label": "Answers" }, message.buttons.map((row) => h("div", {}, row.map(key))));
}

function changing(row, message, actions) {
  const field = h("textarea", { "aria-label": "Edit message", rows: 2 });
  field.value = message.text;
  const back = () => form.replaceWith(before);
  const save = async (event) => {
    event.preventDefault();
    if (field.value.trim() && field.value !== message.text) await actions.edit(message, field.value);
    back();
  };
  const form = h("form", { class: "bubble edit", onsubmit: save }, field, h("div", {}, h("button", { type: "button", onclick: () => back() }, "Cancel"), h("button", {}, "Save")));
  const before = row.querySelector(".bubble");
  before.replaceWith(form);
  field.focus();
}

export function bubble(app, message, actions) {
  const at = h("time", { datetime: new Date(message.at).toISOString() }, clock(message.at));
  const meta = h("span", { class: "meta" }, message.edited && "edited ", at, ticks(message));
  const files = message.files.map((file) => shared(actions.url(file), file));
  const own = app === "telegram" && message.mine && message.text && !files.length;
  const edit = own && h("button", { type: "button", class: "change", onclick: () => changing(row, message, actions) }, "Edit");
  const row = h("li", { class: `message ${message.mine ? "mine" : "theirs"}` }, h("div", { class: "bubble" }, h("span", { class: "visually-hidden" }, message.mine ? "You: " : ""), files, words(app, message, actions, meta)), edit, keyboard(app, message, actions));
  return row;
}
