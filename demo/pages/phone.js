// One phone in its owner's hand: the chat, who is typing, and the box to write in.

import { bubble } from "./bubble.js";
import { composer } from "./composer.js";
import { h, post, upload } from "./dom.js";
import { telegram } from "./formats.js";

const TYPING = { telegram: 5_500, whatsapp: 25_000 }; // how long each app shows it at most
const DRAFT = 30_000; // https://core.telegram.org/bots/api#sendmessagedraft
const EMPTY = {
  telegram: "What can this bot do? Answer questions about Halden's products, orders and returns. A person of the team is one message away.",
  whatsapp: "Halden uses the WhatsApp Business Platform. In this demo nothing leaves your machine.",
};

export function openPhone(place, announce) {
  const { app } = place.dataset;
  const part = (name) => place.querySelector(`.${name}`);
  const state = { people: [], commands: [], title: "", about: "", person: "", messages: new Map(), drafts: new Map(), typing: new Map(), unread: new Map() };
  const act = (verb, body) => post(`/demo/api/phones/${app}/${verb}`, { person: state.person, ...body });
  const say = (text, file) => (file ? upload(`/demo/api/phones/${app}/share`, file, { person: state.person, text }) : act("say", { text }));
  const key = (message) => `${message.chat}/${message.id}`;
  const chat = () => [...state.messages.values()].filter((message) => message.chat === state.person);
  const rows = new Map();

  // Drawing

  function row(id, json, build) {
    const told = JSON.stringify(json);
    if (rows.get(id)?.told !== told) rows.set(id, { told, node: build() });
    return rows.get(id).node;
  }

  const actions = {
    say,
    press: (message, label) => act("press", { message: message.id, label }),
    edit: (message, text) => act("edit", { message: message.id, text }),
    url: (file) => `/demo/api/phones/${app}/files/${encodeURIComponent(file.id)}`,
  };

  function lines() {
    const found = [];
    let day = "";
    for (const message of chat()) {
      const on = new Date(message.at).toDateString();
      if (on !== day) found.push(row(`day ${on}`, on, () => h("li", { class: "day" }, h("span", {}, on === new Date().toDateString() ? "Today" : on))));
      day = on;
      found.push(row(key(message), message, () => bubble(app, message, actions)));
    }
    const draft = state.drafts.get(state.person);
    if (draft !== undefined) found.push(row("draft", draft, () => h("li", { class: "message draft" }, h("div", { class: "bubble" }, h("div", { class: "text" }, draft.text ? telegram(draft.text, draft.entities, say) : "Thinking…")))));
    return found.length ? found : [row("empty", app, () => h("li", { class: "notice" }, h("span", {}, EMPTY[app])))];
  }

  const list = part("messages");
  let atEnd = true;
  const toEnd = () => atEnd && list.scrollTo(0, list.scrollHeight);
  list.addEventListener("scroll", () => (atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 120));
  list.addEventListener("load", toEnd, true); // a picture has come, and is as high as it is
  new ResizeObserver(toEnd).observe(list);

  function draw() {
    arrange(list, lines());
    toEnd();
    const typing = state.typing.has(state.person);
    part("about").textContent = typing ? "typing…" : state.about;
    part("about").classList.toggle("busy", typing);
    foot();
  }

  let footed = "";
  function foot() {
    const begun = app !== "telegram" || chat().length > 0;
    if (footed === `${state.person} ${begun}`) return;
    footed = `${state.person} ${begun}`;
    const box = () => composer("Message", null, (text, { file }) => say(text, file));
    const start = () => h("button", { type: "button", class: "start", onclick: () => say("/start") }, "START");
    part("foot").replaceChildren(...(begun ? [menu(), box()].filter(Boolean) : [start()]));
  }

  function menu() {
    if (!state.commands.length) return null;
    const list = h("ul", { class: "commands", hidden: true }, state.commands.map((one) => h("li", {}, h("button", { type: "button", onclick: () => use(one) }, h("b", {}, `/${one.command}`), " ", one.description))));
    const button = h("button", { type: "button", class: "menu", "aria-expanded": "false", onclick: () => show(list.hidden) }, "Menu");
    const show = (on) => {
      list.hidden = !on;
      button.setAttribute("aria-expanded", String(on));
    };
    const use = (one) => {
      show(false);
      say(`/${one.command}`);
    };
    const escape = (event) => event.key === "Escape" && show(false);
    const left = (event) => event.currentTarget.contains(event.relatedTarget) || show(false);
    return h("div", { class: "menu-place", onkeydown: escape, onfocusout: left }, list, button);
  }

  function drawPeople() {
    const label = (person) => (state.unread.get(person.id) ? `${person.name} (${state.unread.get(person.id)} new)` : person.name);
    part("person").replaceChildren(...state.people.map((person) => h("option", { value: person.id, selected: person.id === state.person }, label(person))));
    const person = state.people.find((one) => one.id === state.person);
    part("about-person").textContent = app === "whatsapp" ? `${person.id} · ${person.about}` : person.about;
    part("sentences").replaceChildren(...person.sentences.map((words) => h("li", {}, h("button", { type: "button", onclick: () => say(words) }, words))));
  }

  // What happens

  function hold(id) {
    state.person = id;
    state.unread.delete(id);
    sessionStorage.setItem(`phone-${app}`, id);
    rows.clear();
    drawPeople();
    atEnd = true;
    draw();
    look();
  }

  let read = "";
  function look() {
    const newest = chat().filter((message) => !message.mine).at(-1);
    if (app !== "whatsapp" || document.hidden || !newest || read === newest.id) return;
    read = newest.id;
    act("read", {});
  }

  function arrived(message) {
    if (message.mine || state.messages.has(key(message))) return;
    state.drafts.delete(message.chat);
    quiet(message.chat);
    if (message.chat === state.person) announce(`${state.title}: ${message.text.slice(0, 300) || message.files[0]?.name || ""}`);
    else state.unread.set(message.chat, (state.unread.get(message.chat) ?? 0) + 1);
    if (message.chat !== state.person) drawPeople();
  }

  function quiet(person) {
    clearTimeout(state.typing.get(person));
    state.typing.delete(person);
  }

  const happened = {
    message(message) {
      arrived(message);
      state.messages.set(key(message), message);
    },
    removed(gone) {
      state.messages.delete(key(gone));
    },
    typing(person) {
      quiet(person);
      state.typing.set(person, setTimeout(() => (quiet(person), draw()), TYPING[app]));
    },
    draft(person, news) {
      state.drafts.set(person, news);
      setTimeout(() => state.drafts.get(person) === news && (state.drafts.delete(person), draw()), DRAFT);
    },
  };

  let drawing = false;
  function hear(news) {
    for (const [what, value] of Object.entries(news)) happened[what]?.(value, news);
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw();
      look();
    });
  }

  function take(held) {
    const { messages, ...rest } = held;
    Object.assign(state, rest, { messages: new Map(messages.map((message) => [key(message), message])) });
    part("title").textContent = state.title;
    const wanted = state.person || sessionStorage.getItem(`phone-${app}`);
    hold(state.people.some((person) => person.id === wanted) ? wanted : state.people[0].id);
  }

  part("person").addEventListener("change", (event) => hold(event.target.value));
  return { take, hear, look };
}

// Puts these nodes into the list and leaves those alone that are there: what has the focus keeps it.
function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  let at = list.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else list.insertBefore(node, at);
  }
}
