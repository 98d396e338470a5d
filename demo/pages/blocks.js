// Block Kit JSON drawn as Slack draws it.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link, markdown, mrkdwn, plain } from "./markup.js";

const textObject = (object, names) => (object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text, object.emoji !== false));

function styled(node, style = {}) {
  const wraps = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };
  return Object.entries(wraps).reduce((inner, [name, tag]) => (style[name] ? h(tag, {}, inner) : inner), node);
}

const RICH = {
  text: (element) => styled(h("span", {}, plain(element.text)), element.style),
  link: (element) => styled(link(element.url, element.text ?? element.url), element.style),
  emoji: (element) => emoji(element.name),
  user: (element, names) => h("span", { class: "mention" }, `@${names.member(element.user_id)}`),
  channel: (element, names) => h("span", { class: "mention" }, `#${names.channel(element.channel_id)}`),
  usergroup: () => h("span", { class: "mention" }, "@group"),
  broadcast: (element) => h("span", { class: "mention broadcast" }, `@${element.range}`),
  date: (element) => document.createTextNode(element.fallback ?? new Date(element.timestamp * 1000).toLocaleString()),
  color: (element) => h("code", {}, element.value),
};

const rich = (elements, names) => elements.map((element) => (RICH[element.type] ?? (() => null))(element, names));

const RICH_BLOCKS = {
  rich_text_section: (block, names) => h("div", { class: "rich" }, rich(block.elements, names)),
  rich_text_quote: (block, names) => h("blockquote", {}, rich(block.elements, names)),
  rich_text_preformatted: (block, names) => h("pre", {}, rich(block.elements, names)),
  rich_text_list: (block, names) => h(block.style === "ordered" ? "ol" : "ul", { class: `indent${block.indent ?? 0}` }, block.elements.map((item) => h("li", {}, rich(item.elements, names)))),
};

// `press(element, value)` is called when a person uses an element, after Slack's own confirmation dialog.
function button(element, names, press) {
  const style = element.style ? ` ${element.style}` : "";
  const use = () => confirmed(element.confirm, names, () => press(element, element.value, node));
  const node = h("button", { type: "button", class: `bk-button${style}`, "aria-label": element.accessibility_label, onclick: use }, textObject(element.text, names));
  return node;
}

function menu(element, names, press) {
  const chosen = (event) => {
    const value = event.target.value;
    event.target.selectedIndex = 0;
    confirmed(element.confirm, names, () => press(element, value, event.target));
  };
  const label = element.type === "overflow" ? "⋯" : element.placeholder?.text ?? "Choose an option";
  const options = element.options.map((option) => h("option", { value: option.value }, option.text.text));
  const kind = element.type === "overflow" ? "bk-select overflow" : "bk-select";
  return h("select", { class: kind, "aria-label": element.type === "overflow" ? "More actions" : label, onchange: chosen }, h("option", { value: "", hidden: true }, label), options);
}

const ELEMENTS = {
  button,
  overflow: menu,
  static_select: menu,
  image: (element) => h("span", { class: "bk-image", role: "img", "aria-label": element.alt_text }, "🖼"),
};

const element = (json, names, press) => (ELEMENTS[json.type] ?? (() => h("em", {}, json.type)))(json, names, press);

const BLOCKS = {
  header: (block, names) => h("h3", { class: "bk-header" }, textObject(block.text, names)),
  divider: () => h("hr", { class: "bk-divider" }),
  section: (block, names, press) =>
    h(
      "div",
      { class: "bk-section" },
      h(
        "div",
        { class: "bk-body" },
        block.text && h("div", { class: "bk-text" }, textObject(block.text, names)),
        block.fields && h("div", { class: "bk-fields" }, block.fields.map((field) => h("div", {}, textObject(field, names)))),
      ),
      block.accessory && element(block.accessory, names, press),
    ),
  context: (block, names) =>
    h("div", { class: "bk-context" }, block.elements.map((item) => (item.type === "image" ? ELEMENTS.image(item) : h("span", {}, textObject(item, names))))),
  actions: (block, names, press) => h("div", { class: "bk-actions" }, block.elements.map((item) => element(item, names, press))),
  rich_text: (block, names) => h("div", { class: "bk-rich" }, block.elements.map((part) => RICH_BLOCKS[part.type](part, names))),
  markdown: (block, names) => h("div", { class: "bk-markdown" }, markdown(block.text, names)),
  image: (block) => h("p", { class: "bk-noimage" }, block.alt_text),
};

export const draw = (blocks, names, press) => blocks.map((block) => (BLOCKS[block.type] ?? (() => null))(block, names, press));

// Slack asks before it sends the press on.
export function confirmed(confirm, names, go) {
  if (!confirm) return go();
  const end = (value) => () => dialog.close(value);
  const style = confirm.style === "danger" ? "danger" : "primary";
  const dialog = h(
    "dialog",
    { class: "modal small", "aria-labelledby": "confirm-title", onclose: () => (dialog.remove(), dialog.returnValue === "yes" && go()) },
    h("h2", { id: "confirm-title" }, plain(confirm.title.text)),
    h("div", { class: "modal-body" }, textObject(confirm.text, names)),
    h(
      "div",
      { class: "modal-foot" },
      h("button", { type: "button", class: "bk-button", onclick: end("no") }, confirm.deny.text),
      h("button", { type: "button", class: `bk-button ${style}`, onclick: end("yes") }, confirm.confirm.text),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

const INPUTS = {
  plain_text_input: (input) => {
    const attributes = { name: input.action_id ?? "input", maxlength: input.max_length, minlength: input.min_length, placeholder: input.placeholder?.text };
    const field = h(input.multiline ? "textarea" : "input", { class: "field", rows: input.multiline ? 6 : null, ...attributes });
    field.value = input.initial_value ?? "";
    return field;
  },
  static_select: (input) => h("select", { class: "field" }, input.options.map((option) => h("option", { value: option.value, selected: option.value === input.initial_option?.value }, option.text.text))),
};

// A modal view; `send(values)` gives errors by block id, or null when it has been taken.
export function openView(view, names, send, cancel) {
  const fields = {};
  const body = view.blocks.map((block) => {
    if (block.type !== "input") return draw([block], names, () => {});
    const field = (INPUTS[block.element.type] ?? INPUTS.plain_text_input)(block.element);
    const error = h("p", { class: "field-error", role: "alert" });
    fields[block.block_id] = { block, field, error };
    field.required = !block.optional;
    return h("label", { class: "field-label" }, plain(block.label.text), block.optional && h("span", {}, " (optional)"), field, block.hint && h("small", {}, block.hint.text), error);
  });
  const submit = async (event) => {
    event.preventDefault();
    const values = {};
    for (const [id, { block, field }] of Object.entries(fields)) values[id] = { [block.element.action_id]: { type: block.element.type, value: field.value } };
    const errors = await send(values);
    for (const [id, { error }] of Object.entries(fields)) error.textContent = errors?.[id] ?? "";
  };
  const dialog = h(
    "dialog",
    { class: "modal", "aria-labelledby": "view-title", oncancel: cancel },
    h(
      "form",
      { onsubmit: submit },
      h("h2", { id: "view-title" }, plain(view.title.text)),
      h("div", { class: "modal-body" }, body),
      h(
        "div",
        { class: "modal-foot" },
        h("button", { type: "button", class: "bk-button", onclick: cancel }, view.close?.text ?? "Cancel"),
        view.submit && h("button", { class: "bk-button primary" }, view.submit.text),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
