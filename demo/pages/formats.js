// What WhatsApp and Telegram make of a text, as DOM nodes.

import { h } from "./dom.js";
import { inline, link } from "./markup.js";

const ADDRESS = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]*_~]/;
const linked = [ADDRESS, ([url]) => link(url, url)];

// WhatsApp: marks in the text. https://faq.whatsapp.com/539178204879377

const WHATSAPP = [
  linked,
  [/`([^`\n]+)`/, ([, code]) => h("code", {}, code)],
  [/(?<![\p{L}\p{N}*])\*(?![\s*])([^*\n]+?)(?<!\s)\*(?![\p{L}\p{N}*])/u, ([, inner]) => h("strong", {}, inline(inner, null, WHATSAPP))],
  [/(?<![\p{L}\p{N}_])_(?![\s_])([^_\n]+?)(?<!\s)_(?![\p{L}\p{N}_])/u, ([, inner]) => h("em", {}, inline(inner, null, WHATSAPP))],
  [/(?<![\p{L}\p{N}~])~(?![\s~])([^~\n]+?)(?<!\s)~(?![\p{L}\p{N}~])/u, ([, inner]) => h("s", {}, inline(inner, null, WHATSAPP))],
];

const LINES = [
  [/^> ?(.*)$/, ([, rest]) => h("blockquote", {}, inline(rest, null, WHATSAPP))],
  [/^[*-] (.+)$/, ([, rest]) => h("span", { class: "item" }, h("span", {}, "•"), h("span", {}, inline(rest, null, WHATSAPP)))],
  [/^(\d+[.)]) (.+)$/, ([, number, rest]) => h("span", { class: "item" }, h("span", {}, number), h("span", {}, inline(rest, null, WHATSAPP)))],
];

function whatsappLine(line) {
  const found = LINES.map(([pattern, build]) => [pattern.exec(line), build]).find(([match]) => match);
  return found ? found[1](found[0]) : h("span", { class: "line" }, inline(line, null, WHATSAPP));
}

export function whatsapp(text) {
  return text.split(/```([\s\S]+?)```/).flatMap((part, place) => {
    if (place % 2) return [h("pre", {}, part.replace(/^\n|\n$/g, ""))];
    const lines = part.replace(place ? /^\n/ : "", "").replace(/\n$/, "");
    return lines ? lines.split("\n").map(whatsappLine) : [];
  });
}

// Telegram: plain text with entities, counted in UTF-16 units as strings are here. https://core.telegram.org/bots/api#messageentity

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const plain = (text) => inline(text, null, [linked]);

// `command(text)` is called when a person presses a command in a text.
export function telegram(text, entities, command) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nested(text, 0, text.length, sorted, command);
}

function nested(text, from, to, rest, command) {
  const nodes = [];
  let at = from;
  while (rest.length && rest[0].offset < to) {
    const one = rest.shift();
    const end = one.offset + one.length;
    const before = text.slice(at, one.offset);
    nodes.push(...plain(BLOCKS.has(one.type) ? before.replace(/\n$/, "") : before));
    nodes.push(styled(one, text.slice(one.offset, end), nested(text, one.offset, end, rest, command), command));
    at = BLOCKS.has(one.type) && text[end] === "\n" ? end + 1 : end;
  }
  return [...nodes, ...plain(text.slice(at, to))];
}

function styled(entity, words, inner, command) {
  if (entity.type === "text_link") return link(entity.url, words);
  if (entity.type === "bot_command") return h("button", { type: "button", class: "command", onclick: () => command(words) }, words);
  if (entity.type === "spoiler") return h("span", { class: "spoiler", tabindex: 0 }, inner);
  return h(TAGS[entity.type] ?? "span", {}, inner);
}
