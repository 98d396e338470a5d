// Slack's two text formats as DOM nodes: mrkdwn (text objects, message text) and Markdown (the markdown block).

import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const lines = (nodes) => nodes.flatMap((node) => (typeof node === "string" ? node.split(/(\n)/).map((part) => (part === "\n" ? h("br") : part)) : [node]));

export function link(url, label) {
  const safe = /^(https?|mailto|tel):/i.test(url);
  return safe ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : document.createTextNode(label);
}

// `<…>` of mrkdwn: links, mentions, channels, broadcasts, dates.
function angle(inner, names) {
  const [target, label] = inner.split("|", 2);
  if (target.startsWith("@")) return h("span", { class: "mention" }, `@${names.member(target.slice(1))}`);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${names.channel(target.slice(1))}`);
  if (target.startsWith("!date")) return document.createTextNode(label ?? "");
  if (target.startsWith("!subteam")) return h("span", { class: "mention" }, label ?? "@group");
  if (target.startsWith("!")) return h("span", { class: "mention broadcast" }, `@${target.slice(1)}`);
  return link(unescape(target), unescape(label ?? target.replace(/^mailto:/, "")));
}

const MRKDWN = [
  [/```\n?([\s\S]+?)```/, ([, code]) => h("pre", {}, unescape(code))],
  [/`([^`\n]+)`/, ([, code]) => h("code", {}, unescape(code))],
  [/<([^<>\n]+)>/, ([, inner], names) => angle(inner, names)],
  [/:([a-z0-9_+-]+):/, ([, name]) => emoji(name)],
  [/(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])/, ([, inner], names) => h("strong", {}, inline(inner, names, MRKDWN))],
  [/(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])/, ([, inner], names) => h("em", {}, inline(inner, names, MRKDWN))],
  [/(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/, ([, inner], names) => h("s", {}, inline(inner, names, MRKDWN))],
];

const MARKDOWN = [
  [/`([^`\n]+)`/, ([, code]) => h("code", {}, code)],
  [/!?\[([^\]\n]*)\]\(([^()\s]+)\)/, ([, label, url]) => link(url, label || url)],
  [/<(https?:[^>\s]+)>/, ([, url]) => link(url, url)],
  [/\*\*(?!\s)(.+?)(?<!\s)\*\*/, ([, inner], names) => h("strong", {}, inline(inner, names, MARKDOWN))],
  [/~~(.+?)~~/, ([, inner], names) => h("s", {}, inline(inner, names, MARKDOWN))],
  [/(?<![\w*])[*_](?!\s)([^*_\n]+?)(?<!\s)[*_](?![\w*])/, ([, inner], names) => h("em", {}, inline(inner, names, MARKDOWN))],
  [/\\([\\`*_{}[\]()#+\-.!|~>])/, ([, character]) => document.createTextNode(character)],
  [/:([a-z0-9_+-]+):/, ([, name]) => emoji(name)],
];

// The earliest rule that matches turns into a node; the rest is text.
export function inline(text, names, rules) {
  const found = rules
    .map(([pattern, build]) => [pattern.exec(text), build])
    .filter(([match]) => match)
    .sort(([a], [b]) => a.index - b.index)[0];
  if (!found) return withEmoji(rules === MRKDWN ? unescape(text) : text);
  const [match, build] = found;
  return [
    ...inline(text.slice(0, match.index), names, rules),
    build(match, names),
    ...inline(text.slice(match.index + match[0].length), names, rules),
  ].filter((node) => node !== "");
}

export function mrkdwn(text, names) {
  const quoted = text.split(/((?:^|\n)(?:&gt;|>)[^\n]*(?:\n(?:&gt;|>)[^\n]*)*)/);
  return quoted.flatMap((part) => {
    if (!/^\n?(&gt;|>)/.test(part)) return lines(inline(part.replace(/^\n/, ""), names, MRKDWN));
    const inner = part.trim().split("\n").map((line) => line.replace(/^(&gt;|>) ?/, "")).join("\n");
    return [h("blockquote", {}, lines(inline(inner, names, MRKDWN)))];
  });
}

const named = (text) => text.split(/(:[a-z0-9_+-]+:)/).flatMap((part) => (/^:[a-z].*:$/.test(part) ? [emoji(part.slice(1, -1))] : withEmoji(part)));

// A plain_text object; `:names:` of emoji count unless it says `emoji: false`.
export const plain = (text, shortcodes = false) => lines(shortcodes ? named(text) : withEmoji(text));

const BLOCKS = [
  [/^```[^\n]*\n([\s\S]*?)\n?```/, ([, code]) => h("pre", {}, code)],
  [/^(#{1,6}) +([^\n]+)/, ([, marks, text], names) => h("p", { class: `md-h md-h${marks.length}`, role: "heading", "aria-level": marks.length + 2 }, inline(text, names, MARKDOWN))],
  [/^(?:---|\*\*\*|___)[ \t]*(?=\n|$)/, () => h("hr")],
  [/^(?:>[^\n]*(?:\n|$))+/, ([text], names) => h("blockquote", {}, markdown(text.replace(/^> ?/gm, "").trimEnd(), names))],
  [/^(?:[-*+] [^\n]*(?:\n {2,}[^\n]*)*(?:\n|$))+/, ([text], names) => h("ul", {}, items(text, /^[-*+] /, names))],
  [/^(?:\d+[.)] [^\n]*(?:\n {2,}[^\n]*)*(?:\n|$))+/, ([text], names) => h("ol", {}, items(text, /^\d+[.)] /, names))],
  [/^(?:\|[^\n]*\|[ \t]*(?:\n|$)){2,}/, ([text], names) => table(text, names)],
  [/^(?:(?!```|#{1,6} |[-*+] |\d+[.)] |>)[^\n]+(?:\n|$))+/, ([text], names) => h("p", {}, lines(inline(text.trimEnd(), names, MARKDOWN)))],
  [/^[^\n]+/, ([text], names) => h("p", {}, inline(text, names, MARKDOWN))],
];

function items(text, bullet, names) {
  const rows = text.trimEnd().split("\n").reduce((all, line) => (bullet.test(line) ? [...all, line.replace(bullet, "")] : [...all.slice(0, -1), `${all.at(-1)}\n${line.trim()}`]), []);
  return rows.map((row) => h("li", {}, lines(inline(row.replace(/^\[ \] /, "☐ ").replace(/^\[x\] /i, "☑ "), names, MARKDOWN))));
}

function table(text, names) {
  const rows = text.trim().split("\n").filter((row) => !/^\|[\s:|-]+\|$/.test(row.trim()));
  const cells = (row, tag) => row.trim().slice(1, -1).split("|").map((cell) => h(tag, {}, inline(cell.trim(), names, MARKDOWN)));
  return h("table", {}, h("tr", {}, cells(rows[0], "th")), rows.slice(1).map((row) => h("tr", {}, cells(row, "td"))));
}

export function markdown(text, names) {
  const nodes = [];
  let rest = text.replaceAll("\r", "");
  while ((rest = rest.replace(/^\s*\n/, ""))) {
    const [match, build] = BLOCKS.map(([pattern, make]) => [pattern.exec(rest), make]).find(([found]) => found);
    nodes.push(build(match, names));
    rest = rest.slice(match[0].length);
  }
  return nodes;
}
