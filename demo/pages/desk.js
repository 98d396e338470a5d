// The desk: a live view of the Slack stand-in, acting as one of its members.

import { openView } from "./blocks.js";
import { composer } from "./composer.js";
import { h, post, upload } from "./dom.js";
import { avatar, messageRow } from "./message.js";

const state = { members: {}, channels: [], messages: new Map(), channel: "", member: "", thread: null, unread: new Map(), fresh: new Set() };
const find = (id) => document.getElementById(id);
const key = (message) => `${message.channel}/${message.ts}`;
const names = {
  member: (id) => state.members[id]?.display_name || state.members[id]?.real_name || id,
  channel: (id) => state.channels.find((channel) => channel.id === id)?.name ?? id,
};

// What is shown where

const visible = (message) => !message.for_user || message.for_user === state.member;
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;
const all = () => [...state.messages.values()].filter((m) => m.channel === state.channel && visible(m)).sort((a, b) => (a.ts < b.ts ? -1 : 1));
const inChannel = () => all().filter((message) => !isReply(message) || message.broadcast);
const inThread = (ts) => all().filter((message) => message.ts === ts || message.thread_ts === ts);
const room = () => state.channels.find((channel) => channel.id === state.channel);

function act(verb, body) {
  return post(`/demo/api/desk/${verb}`, { user: state.member, channel: state.channel, ...body });
}

function send(text, file, more) {
  const where = { user: state.member, channel: state.channel, text, ...more };
  return file ? upload("/demo/api/desk/share", file, where) : act("post", where);
}

async function press(message, element, value, node) {
  node.disabled = true;
  const answer = await act("press", { ts: message.ts, action_id: element.action_id, value });
  node.disabled = false;
  const last = answer.answers?.at(-1);
  if (answer.error || (last && last !== 200)) {
    const why = answer.error ?? (typeof last === "number" ? `it responded with status ${last}` : last.replaceAll("_", " "));
    node.closest(".message")?.querySelector(".content").append(h("p", { class: "failure", role: "alert" }, `This app could not do that: ${why}.`));
  }
}

const actions = {
  names,
  state,
  press,
  react: (message, name) => act("react", { ts: message.ts, name }),
  remove: (message) => act("delete", { ts: message.ts }),
  edit: (message, text) => act("edit", { ts: message.ts, text }),
  openThread: (ts) => showThread(ts),
  replies: (ts) => inThread(ts).filter((message) => message.ts !== ts && !message.for_user),
};

// Drawing

function drawSidebar() {
  const entry = (channel) => {
    const unread = state.unread.get(channel.id) ?? 0;
    const mark = channel.kind === "im" ? avatar(state.members[other(channel)], "tiny") : h("span", { "aria-hidden": "true" }, channel.kind === "group" ? "🔒" : "#");
    const name = channel.kind === "im" ? directName(channel) : channel.name;
    const badge = unread > 0 && h("span", { class: "badge", "aria-label": `${unread} new` }, unread);
    const style = `${unread ? "unread" : ""} ${channel.archived ? "archived" : ""}`;
    return h("li", {}, h("button", { type: "button", class: style, "aria-current": channel.id === state.channel ? "page" : null, onclick: () => showChannel(channel.id) }, mark, name, badge));
  };
  const mine = state.channels.filter((channel) => channel.kind !== "im" || channel.members.includes(state.member));
  find("channels").replaceChildren(...mine.filter((channel) => channel.kind !== "im").map(entry));
  find("directs-title").hidden = !mine.some((channel) => channel.kind === "im");
  find("directs").replaceChildren(...mine.filter((channel) => channel.kind === "im").map(entry));
}

const other = (channel) => channel.members.find((id) => id !== state.member) ?? state.member;
const directName = (channel) => names.member(other(channel));

function drawMembers() {
  const role = (member) => (member.deleted ? " – deactivated" : member.title ? ` – ${member.title}` : "");
  const people = Object.values(state.members).filter((member) => !member.is_bot && !member.deleted);
  find("member").replaceChildren(...people.map((member) => h("option", { value: member.id, selected: member.id === state.member }, `${member.real_name}${role(member)}`)));
}

function drawList(list, messages, inPane) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const rows = [];
  let before = null;
  for (const message of messages) {
    const day = new Date(message.ts * 1000).toDateString();
    if (!inPane && day !== before?.day) rows.push(h("li", { class: "day" }, day === new Date().toDateString() ? "Today" : day));
    rows.push(messageRow(message, before?.message, actions, inPane));
    if (inPane && !isReply(message)) rows.push(h("li", { class: "replies" }, count(messages.length - 1)));
    before = { message: inPane && !isReply(message) ? null : message, day };
  }
  list.replaceChildren(...(rows.length ? rows : [h("li", { class: "empty" }, emptyWords())]));
  if (atEnd || state.fresh.size) list.scrollTop = list.scrollHeight;
}

const count = (replies) => (replies === 1 ? "1 reply" : `${replies} replies`);
const emptyWords = () => (room().archived ? "This channel is archived." : room().kind === "im" ? `This is between you and ${directName(room())}.` : "Nothing here yet. Conversations that need a person appear as cards; answer in their thread.");

function draw() {
  drawSidebar();
  const channel = room();
  find("channel-name").textContent = channel.kind === "im" ? directName(channel) : `# ${channel.name}`;
  find("channel-topic").textContent = channel.topic;
  drawList(find("channel-messages"), inChannel(), false);
  const thread = state.thread && inThread(state.thread);
  find("thread").hidden = !thread?.length;
  if (thread?.length) {
    find("thread-channel").textContent = find("channel-name").textContent;
    drawList(find("thread-messages"), thread, true);
  }
  state.fresh.clear();
}

let drawing = false;
function redraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function drawComposers() {
  const channel = room();
  const closed = channel.archived ? "This channel is archived." : channel.members.includes(state.member) ? null : "You are not in this channel.";
  const where = channel.kind === "im" ? directName(channel) : `#${channel.name}`;
  find("channel-composer").replaceChildren(composer(`Message ${where}`, closed, (text, { file }) => send(text, file, {})));
  find("thread-composer").replaceChildren(composer("Reply…", closed, (text, { broadcast, file }) => send(text, file, { thread_ts: state.thread, broadcast }), `Also send to ${where}`));
}

// Moving about

function showChannel(id) {
  state.channel = id;
  state.thread = null;
  state.unread.delete(id);
  drawComposers();
  draw();
  find("channel-messages").scrollTop = 1e9;
}

function showThread(ts) {
  state.thread = ts;
  drawComposers();
  draw();
  find("thread-messages").scrollTop = 1e9;
  find("thread-composer").querySelector("textarea")?.focus();
}

find("thread-close").addEventListener("click", () => {
  state.thread = null;
  draw();
});
find("member").addEventListener("change", (event) => {
  state.member = event.target.value;
  sessionStorage.setItem("desk-member", state.member);
  if (room().kind === "im" && !room().members.includes(state.member)) state.channel = state.channels[0].id;
  showChannel(state.channel);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.thread && !document.querySelector("dialog")) find("thread-close").click();
});

// What happens in the workspace

const views = new Map();
const happened = {
  message(message) {
    if (!state.messages.has(key(message))) arrived(message);
    state.messages.set(key(message), message);
  },
  removed(gone) {
    state.messages.delete(key(gone));
    if (state.thread === gone.ts) state.thread = null;
  },
  view(view, news) {
    if (news.user !== state.member) return;
    const send = async (values) => JSON.parse((await act("submit", { view: view.id, values })).body || "{}").errors;
    views.set(view.id, openView(view, names, send, () => act("cancel", { view: view.id })));
  },
  view_closed(id) {
    views.get(id)?.remove();
    views.delete(id);
  },
  channel(channel) {
    state.channels = [...state.channels.filter((known) => known.id !== channel.id), channel];
  },
};

function arrived(message) {
  if (!visible(message)) return;
  state.fresh.add(key(message));
  if (message.channel !== state.channel) state.unread.set(message.channel, (state.unread.get(message.channel) ?? 0) + 1);
  find("announcer").textContent = `${message.username ?? names.member(message.user)}: ${message.text.slice(0, 200)}`;
}

const stream = new EventSource("/demo/api/desk/events");
stream.addEventListener("snapshot", (event) => {
  const { messages, channel, member, ...rest } = JSON.parse(event.data);
  const first = !state.channel; // later ones come after a lost connection: what is being written stays
  Object.assign(state, rest, { messages: new Map(messages.map((message) => [key(message), message])) });
  state.channel ||= new URLSearchParams(location.search).get("channel") ?? channel;
  state.member ||= sessionStorage.getItem("desk-member") ?? member;
  find("connection").textContent = "";
  drawMembers();
  if (first) drawComposers();
  draw();
});
stream.addEventListener("news", (event) => {
  const news = JSON.parse(event.data);
  for (const [what, value] of Object.entries(news)) happened[what]?.(value, news);
  redraw();
});
stream.addEventListener("error", () => {
  find("connection").textContent = "Reconnecting…";
});
