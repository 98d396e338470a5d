// One message with its author, blocks, reactions and tools.

import { draw } from "./blocks.js";
import { clock, h, shared } from "./dom.js";
import { emoji, REACTIONS } from "./emoji.js";
import { mrkdwn } from "./markup.js";

const SHADES = ["#2e7d8c", "#a8451f", "#6b4fa0", "#2b7a4b", "#b03a66", "#8a6d1d", "#3a5fa8", "#7a4b3a"];
const shade = (text) => SHADES[[...text].reduce((sum, character) => sum + character.codePointAt(0), 0) % SHADES.length];
const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase();

export function avatar(member, size = "") {
  if (!member || member.id === "U0GATEWAY1") return h("span", { class: `avatar app ${size}`, "aria-hidden": "true" });
  const picture = h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, initials(member.real_name));
  picture.style.setProperty("--shade", shade(member.real_name));
  return picture;
}

function face(message, actions) {
  if (message.username) return avatar({ real_name: message.username });
  return avatar(actions.state.members[message.user]);
}

function author(message, actions) {
  const member = actions.state.members[message.user];
  const name = message.username ?? member?.display_name ?? member?.real_name ?? message.user;
  const tag = member?.is_bot ? "APP" : member?.is_stranger ? "EXTERNAL" : member?.is_restricted ? "GUEST" : null;
  const at = message.ts * 1000;
  return h("div", { class: "who" }, h("b", {}, name), tag && h("span", { class: "tag" }, tag), h("time", { datetime: new Date(at).toISOString() }, clock(at)));
}

const card = (message) => message.bot_id && message.blocks?.length;
const sameHand = (a, b) => a && !card(b) && a.user === b.user && a.username === b.username && b.ts - a.ts < 300 && !a.for_user === !b.for_user && !a.tombstone;

function body(message, actions) {
  if (message.subtype === "tombstone") return h("p", { class: "tombstone" }, message.text);
  const names = actions.names;
  const edited = message.edited && !message.bot_id && h("span", { class: "edited" }, " (edited)");
  if (!message.blocks?.length) return h("div", { class: "text" }, mrkdwn(message.text, names), edited);
  const press = (element, value, node) => actions.press(message, element, value, node);
  return h("div", { class: "blocks" }, draw(message.blocks, names, press), edited);
}

const files = (message) => (message.files ?? []).map((file) => shared(`/demo/api/desk/files/${file.id}`, { name: file.name, type: file.mimetype, size: file.size }));

function reactions(message, actions) {
  if (!message.reactions?.length) return null;
  const one = ({ name, users }) => {
    const who = users.map(actions.names.member).join(", ");
    return h(
      "button",
      { type: "button", "aria-pressed": String(users.includes(actions.state.member)), title: who, "aria-label": `${name.replaceAll("_", " ")}: ${who}`, onclick: () => actions.react(message, name) },
      emoji(name),
      h("span", {}, users.length),
    );
  };
  return h("div", { class: "reactions" }, message.reactions.map(one));
}

function summary(message, actions) {
  const replies = actions.replies(message.ts);
  if (!replies.length) return null;
  const people = [...new Map(replies.map((reply) => [reply.username ?? reply.user, reply])).values()].slice(0, 4);
  const faces = people.map((reply) => {
    const small = face(reply, actions);
    small.classList.add("tiny");
    return small;
  });
  const words = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return h("button", { type: "button", class: "summary", onclick: () => actions.openThread(message.ts) }, faces, h("b", {}, words), h("span", {}, `Last reply at ${clock(replies.at(-1).ts * 1000)}`));
}

function tools(message, actions, inPane) {
  if (message.for_user || message.subtype === "tombstone") return null;
  const tool = (label, content, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, content);
  const own = message.user === actions.state.member;
  return h(
    "div",
    { class: "tools", role: "group", "aria-label": "Message actions" },
    REACTIONS.slice(0, 3).map((name) => tool(`React with ${name.replaceAll("_", " ")}`, emoji(name), () => actions.react(message, name))),
    !inPane && tool("Reply in thread", "Reply", () => actions.openThread(message.thread_ts ?? message.ts)),
    own && tool("Edit message", "Edit", (event) => edit(event.target.closest(".message"), message, actions)),
    own && tool("Delete message", "Delete", () => actions.remove(message)),
  );
}

function edit(row, message, actions) {
  const field = h("textarea", { class: "field", "aria-label": "Edit message", rows: 2 });
  field.value = row.querySelector(".content > :not(.who)").innerText.replace(/ \(edited\)$/, "");
  const save = (event) => {
    event.preventDefault();
    if (field.value.trim()) actions.edit(message, field.value);
  };
  const form = h("form", { onsubmit: save }, field, h("button", { class: "bk-button primary" }, "Save"));
  row.querySelector(".content").replaceChildren(form);
  field.focus();
}

export function messageRow(message, before, actions, inPane) {
  const { state } = actions;
  const fresh = state.fresh.has(`${message.channel}/${message.ts}`);
  const style = ["message", sameHand(before, message) && "compact", message.for_user && "private", fresh && "fresh"].filter(Boolean).join(" ");
  const broadcast = message.broadcast && !inPane && h("p", { class: "note" }, "replied to a thread");
  const only = message.for_user && h("p", { class: "note" }, "Only visible to you");
  return h(
    "li",
    { class: style, "data-ts": message.ts },
    face(message, actions),
    h("div", { class: "content" }, only, author(message, actions), broadcast, body(message, actions), files(message), reactions(message, actions), !inPane && summary(message, actions)),
    tools(message, actions, inPane),
  );
}
