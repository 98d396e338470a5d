// A conversation's log, entry by entry, and live.

import { h } from "./dom.js";

const base = "/demo/api/log/conversations";
const find = (id) => document.getElementById(id);
const state = { items: [], chosen: decodeURIComponent(location.hash.slice(1)), entries: [], group: "all", busy: false };

// How entries look

const GROUPS = {
  customer: ["customer_said", "customer_edited", "customer_pressed"],
  agent: ["agent_said", "system_said", "drafted"],
  staff: ["staff_said", "staff_noted", "handed_over", "claimed", "taken_over", "returned", "resolved", "reopened"],
  tool: ["tool_asked", "tool_answered", "retrieved", "model_replied"],
  decision: ["understood", "decided", "confirmation_asked", "confirmation_given", "approval_asked", "approval_decided"],
};
const FILTERS = { all: "Everything", said: "Words only", tool: "Tools and models", decision: "Decisions" };
// What is worth a look; everything else waits behind "all of it".
const SHOWN = ["name", "by", "intent", "sentiment", "language", "urgency", "entities", "category", "verdict", "tool", "args", "policy", "status", "reason", "decision", "band", "confidence", "model", "query", "passages", "result", "cost", "milliseconds", "of", "what"];
const CALLS = ["tool_asked", "tool_answered", "confirmation_asked", "confirmation_given", "approval_asked", "approval_decided"];

const group = (kind) => Object.keys(GROUPS).find((name) => GROUPS[name].includes(kind)) ?? "quiet";
const wanted = (entry) => state.group === "all" || (state.group === "said" ? Boolean(entry.text) : group(entry.kind) === state.group);
const empty = (value) => value === null || value === undefined || value === "" || (typeof value === "object" && !Object.keys(value).length);

const brief = (value) => (Array.isArray(value) ? value.map(brief).join(", ") : value && typeof value === "object" ? Object.entries(value).filter(([, inner]) => !empty(inner)).map(([name, inner]) => `${name}: ${brief(inner)}`).join(", ") : String(value));
const WORDS = {
  sentiment: (value) => `${value.label} ${value.score ?? ""}`,
  policy: (value) => [value.verdict ?? value, value.because].filter(Boolean).join(", "),
  passages: (value) => [...new Set(value.map((passage) => passage.source))].join(", "),
  milliseconds: (value) => `${value} ms`,
  cost: (value) => `$${Number(value).toFixed(4)}`,
};

function pill([name, value]) {
  const style = name === "band" ? value : name === "status" && value !== "ok" ? "bad" : "";
  const label = name === "milliseconds" ? "took" : name.replaceAll("_", " ");
  return h("span", { class: `pill ${style}` }, h("b", {}, label), value && typeof value === "object" && !WORDS[name] ? brief(value) : String((WORDS[name] ?? brief)(value)));
}

const folded = (label, value, style = "") => h("details", { class: style }, h("summary", {}, label), h("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2)));

function fields(entry) {
  const call = CALLS.includes(entry.kind) && entry.tool;
  const names = SHOWN.filter((name) => name in entry && !empty(entry[name]) && !(call && (name === "tool" || name === "args")) && name !== "result");
  const dull = { cost: !Number(entry.cost), reason: entry.reason === entry.decision };
  const pills = names.filter((name) => !dull[name]).map((name) => pill([name, entry[name]]));
  return [
    call && h("code", { class: "call" }, `${entry.tool}(${brief(entry.args ?? {})})`),
    pills.length > 0 && h("div", { class: "pills" }, pills),
    !empty(entry.result) && folded("result", entry.result),
    folded("all", entry, "all"),
  ];
}

function entryRow(entry) {
  const at = new Date(entry.at);
  const time = at.toLocaleTimeString("en-GB") + "." + String(at.getMilliseconds()).padStart(3, "0");
  return h(
    "li",
    { class: `entry ${group(entry.kind)}` },
    h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, time),
    h("span", { class: "kind" }, entry.kind.replaceAll("_", " ")),
    h("div", {}, entry.text && h("div", { class: "said" }, entry.text), fields(entry)),
  );
}

function figures() {
  const costs = state.entries.filter((entry) => entry.kind === "model_replied").map((entry) => Number(entry.cost ?? 0));
  const turns = new Set(state.entries.map((entry) => entry.turn).filter(Boolean));
  const first = state.entries.find((entry) => entry.kind === "customer_said");
  const answer = state.entries.find((entry) => entry.kind === "agent_said" || entry.kind === "staff_said");
  const rows = {
    Entries: state.entries.length,
    Turns: turns.size,
    "Tool calls": state.entries.filter((entry) => entry.kind === "tool_answered").length,
    "First answer": first && answer ? `${((answer.at - first.at) / 1000).toFixed(2)} s` : "–",
    Cost: `$${costs.reduce((sum, cost) => sum + cost, 0).toFixed(4)}`,
  };
  return h("dl", { class: "figures" }, Object.entries(rows).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

// Drawing

const who = (item) => item.customer?.name ?? item.customer?.id ?? (typeof item.customer === "string" ? item.customer : null) ?? "Visitor";

function drawList() {
  const row = (item) => h("li", {}, h("button", { type: "button", "aria-current": item.id === state.chosen ? "true" : null, onclick: () => choose(item.id) }, h("b", {}, who(item)), h("small", {}, [item.channel, item.owner, item.status?.replaceAll("_", " ")].filter(Boolean).join(" · ")), h("small", {}, new Date(item.updated_at).toLocaleTimeString())));
  find("conversations").replaceChildren(...state.items.map(row));
}

function drawEntries() {
  const rows = [];
  let turn = null;
  for (const entry of state.entries.filter(wanted)) {
    if (entry.turn && entry.turn !== turn) rows.push(h("li", { class: "turn" }, `Turn ${entry.turn}`));
    turn = entry.turn ?? turn;
    rows.push(entryRow(entry));
  }
  const item = state.items.find((known) => known.id === state.chosen);
  find("summary").replaceChildren(h("h2", {}, item ? who(item) : "No conversation yet"), h("p", {}, state.chosen), figures());
  find("entries").replaceChildren(...rows);
}

function drawFilters() {
  const choice = ([name, label]) => h("button", { type: "button", "aria-pressed": String(state.group === name), onclick: () => ((state.group = name), drawFilters(), drawEntries()) }, label);
  find("filters").replaceChildren(...Object.entries(FILTERS).map(choice));
}

// Reading

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(answer.status === 502 ? "The gateway does not answer." : `The gateway answered ${answer.status}.`);
  return answer.json();
}

function choose(id) {
  Object.assign(state, { chosen: id, entries: [] });
  location.hash = encodeURIComponent(id);
  drawList();
  refresh();
}

async function more() {
  const id = state.chosen;
  for (let after = state.entries.at(-1)?.seq ?? 0; after !== null && after !== undefined; ) {
    const page = await read(`${base}/${encodeURIComponent(id)}/log?after=${after}&limit=200`);
    if (id !== state.chosen) return;
    state.entries.push(...page.items);
    after = page.items.length ? page.next : null;
  }
}

async function refresh() {
  if (state.busy) return;
  state.busy = true;
  try {
    state.items = (await read(`${base}?limit=50`)).items.sort((a, b) => new Date(b.updated_at) - new Date(a.updated_at));
    state.chosen ||= state.items[0]?.id ?? "";
    const before = state.entries.length;
    if (state.chosen) await more();
    drawList();
    if (state.entries.length !== before || !before) drawEntries();
    find("status").textContent = state.items.length ? "" : "Write something in the shop's chat: it appears here.";
  } catch (error) {
    find("status").textContent = error.message;
  }
  state.busy = false;
}

drawFilters();
refresh();
setInterval(() => document.hidden || refresh(), 2000);
