// Emoji as small drawings, so that they look the same on every machine, as they do in Slack.

import { h, svg } from "./dom.js";

const disc = (fill) => [["circle", { cx: 10, cy: 10, r: 8.5, fill }]];
const stroke = (d, color, width = 2) => ["path", { d, fill: "none", stroke: color, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const fill = (d, color) => ["path", { d, fill: color }];
const tile = (color) => ["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 4, fill: color }];

const DRAWINGS = {
  large_orange_circle: ["🟠", disc("#f4900c")],
  large_blue_circle: ["🔵", disc("#55acee")],
  red_circle: ["🔴", disc("#dd2e44")],
  large_green_circle: ["🟢", disc("#78b159")],
  large_yellow_circle: ["🟡", disc("#fdcb58")],
  large_purple_circle: ["🟣", disc("#aa8ed6")],
  black_circle: ["⚫", disc("#31373d")],
  white_circle: ["⚪", [["circle", { cx: 10, cy: 10, r: 8, fill: "#f5f8fa", stroke: "#ccd6dd" }]]],
  white_check_mark: ["✅", [tile("#77b255"), stroke("M6 10.5l3 3 5.5-7", "#fff", 2.4)]],
  heavy_check_mark: ["✔", [stroke("M3.5 11l4.5 5L17 4", "#31373d", 3)]],
  ballot_box_with_check: ["☑", [tile("#55acee"), stroke("M6 10.5l3 3 5.5-7", "#fff", 2.4)]],
  x: ["❌", [stroke("M4 4l12 12M16 4L4 16", "#dd2e44", 3.4)]],
  warning: ["⚠", [fill("M10 1.5l9 16.5H1z", "#ffcc4d"), stroke("M10 7v5M10 15v.1", "#231f20", 2)]],
  grey_question: ["❔", [stroke("M6.2 6.5c0-5 8-5 8 .2 0 3-4 3-4 6.3M10.2 17v.1", "#b4bec7", 2.8)]],
  no_entry: ["⛔", [...disc("#dd2e44"), stroke("M6 10h8", "#fff", 3)]],
  no_entry_sign: ["🚫", [["circle", { cx: 10, cy: 10, r: 7.5, fill: "none", stroke: "#dd2e44", "stroke-width": 2.6 }], stroke("M5 5l10 10", "#dd2e44", 2.6)]],
  robot_face: ["🤖", [["rect", { x: 3, y: 6, width: 14, height: 11, rx: 3, fill: "#66757f" }], stroke("M10 6V2.5", "#66757f"), ...[[7, 11], [13, 11]].map(([cx, cy]) => ["circle", { cx, cy, r: 1.8, fill: "#5dd3f3" }]), stroke("M7 14.5h6", "#ccd6dd", 1.4)]],
  lock: ["🔒", [["rect", { x: 3.5, y: 8.5, width: 13, height: 9.5, rx: 2, fill: "#ffac33" }], stroke("M6.5 8V6a3.5 3.5 0 017 0v2", "#8899a6", 2.2)]],
  eyes: ["👀", [5.6, 14.4].flatMap((cx) => [["ellipse", { cx, cy: 10, rx: 3.9, ry: 6, fill: "#f5f8fa", stroke: "#8899a6" }], ["circle", { cx: cx - 1.2, cy: 11, r: 2, fill: "#292f33" }]])],
  memo: ["📝", [["rect", { x: 3, y: 2, width: 13, height: 16, rx: 1.5, fill: "#f5f8fa", stroke: "#99aab5" }], stroke("M6 6h7M6 9h7M6 12h4", "#99aab5", 1.2), stroke("M11 16l6-7", "#ffac33", 2.4)]],
  zzz: ["💤", [stroke("M3 3h6l-6 7h6", "#5dadec", 2), stroke("M12 11h5l-5 6h5", "#5dadec", 2)]],
  ticket: ["🎫", [["rect", { x: 1.5, y: 5, width: 17, height: 10, rx: 2, fill: "#9266cc" }], stroke("M13 6v8", "#d5c2ec", 1.2)]],
  hourglass_flowing_sand: ["⏳", [stroke("M5 2h10M5 18h10", "#9a6b2f"), fill("M6 3h8l-3.4 7L14 17H6l3.4-7z", "#ffe8b6")]],
  clock3: ["🕒", [["circle", { cx: 10, cy: 10, r: 8, fill: "#f5f8fa", stroke: "#8899a6", "stroke-width": 1.6 }], stroke("M10 5v5h4", "#292f33", 1.6)]],
  moneybag: ["💰", [fill("M8 4h4l1 3c3 2 4 4.5 4 7 0 3-2 4-7 4s-7-1-7-4c0-2.5 1-5 4-7z", "#fdd888"), stroke("M11.5 10.5c-2.5-1.5-4 1-1.5 1.8s1.5 3-1.5 1.7", "#bf6952", 1.3)]],
  package: ["📦", [["rect", { x: 2, y: 5, width: 16, height: 12, rx: 1, fill: "#c99e6b" }], fill("M8 5h4v5H8z", "#e9d2b0")]],
  bulb: ["💡", [["circle", { cx: 10, cy: 8, r: 6, fill: "#ffd983" }], ["rect", { x: 7.5, y: 13, width: 5, height: 4.5, rx: 1.5, fill: "#99aab5" }]]],
  bell: ["🔔", [fill("M10 2c4 0 5 3 5 6 0 4 2 5 2 6.5H3C3 13 5 12 5 8c0-3 1-6 5-6z", "#ffac33"), ["circle", { cx: 10, cy: 16.5, r: 1.8, fill: "#ffac33" }]]],
  speech_balloon: ["💬", [["ellipse", { cx: 10, cy: 9, rx: 8.5, ry: 6.5, fill: "#bdddf4" }], fill("M5 13l-1.5 5 6-3z", "#bdddf4")]],
  raised_hand: ["✋", [["rect", { x: 5, y: 7, width: 10, height: 11, rx: 4, fill: "#ffdc5d" }], ...[5.2, 7.8, 10.4, 13].map((x) => ["rect", { x, y: 2, width: 2, height: 9, rx: 1, fill: "#ffdc5d" }])]],
  "+1": ["👍", [["rect", { x: 2.5, y: 9, width: 4, height: 9, rx: 1, fill: "#ef9645" }], fill("M6.5 9l3-7c2 0 2.5 1.5 2 4.5h4.5c2 0 2 2 1.5 4l-1.3 5.5c-.4 1.5-1 2-2.7 2h-7z", "#ffdc5d")]],
  tada: ["🎉", [fill("M2 18l4-11 7 7z", "#ffcc4d"), stroke("M11 6c1-2 3-2 3-4M14 9c2-1 3 0 4-1M12 3v.1M17 13v.1", "#ea596e", 1.6)]],
  heart: ["❤", [fill("M10 17.5C3 12 1.5 9 2.5 6c1-3 5.5-3.5 7.5 0 2-3.5 6.5-3 7.5 0s-.5 6-7.5 11.5z", "#dd2e44")]],
  pray: ["🙏", [fill("M9.5 2C6 7 4.5 12 4 17h5.5zM10.5 2c3.5 5 5 10 5.5 15h-5.5z", "#ffdc5d")]],
  blush: ["😊", [...disc("#ffcc4d"), stroke("M6.5 8.5q1-1.2 2 0M11.5 8.5q1-1.2 2 0M6 12q4 4 8 0", "#664500", 1.3)]],
  question: ["❓", [stroke("M6 6.5c0-4.5 8-4.5 8 0 0 3-4 3-4 6M10 17v.1", "#be1931", 2.8)]],
  small_blue_diamond: ["🔹", [fill("M10 4l6 6-6 6-6-6z", "#55acee")]],
  globe_with_meridians: ["🌐", [...disc("#3b88c3"), stroke("M2 10h16M10 1.5c-5 5-5 12 0 17M10 1.5c5 5 5 12 0 17", "#bdddf4", 1)]],
  telephone_receiver: ["📞", [stroke("M4 5c2 6 5 9 11 11M3.5 5l2.5-1.5 1.5 3.5M15 16.5l1.5-2.5-3.5-1.5", "#3b88c3", 2.6)]],
  mag: ["🔍", [["circle", { cx: 8, cy: 8, r: 5.5, fill: "#bdddf4", stroke: "#66757f", "stroke-width": 1.8 }], stroke("M12.5 12.5L18 18", "#66757f", 2.6)]],
  gear: ["⚙", [["circle", { cx: 10, cy: 10, r: 5, fill: "none", stroke: "#66757f", "stroke-width": 3.5 }], stroke("M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.5 1.5M14.5 14.5L16 16M16 4l-1.5 1.5M5.5 14.5L4 16", "#66757f", 2)]],
  arrow_right: ["➡", [tile("#3b88c3"), stroke("M5.5 10h8M10.5 6.5L14 10l-3.5 3.5", "#fff", 2)]],
  wrench: ["🔧", [stroke("M5 15l7-7", "#8899a6", 3.4), ["circle", { cx: 14, cy: 6, r: 3.4, fill: "none", stroke: "#8899a6", "stroke-width": 2.4 }]]],
  receipt: ["🧾", [fill("M4 2h12v16l-2-1.5-2 1.5-2-1.5L8 18l-2-1.5L4 18z", "#e1e8ed"), stroke("M7 6h6M7 9h6M7 12h4", "#66757f", 1.2)]],
  scroll: ["📜", [fill("M4 3h11v13a2 2 0 01-2 2H6a2 2 0 01-2-2z", "#ffe8b6"), stroke("M7 7h5M7 10h5M7 13h3", "#c1694f", 1.2)]],
  bust_in_silhouette: ["👤", [["circle", { cx: 10, cy: 6.5, r: 4, fill: "#269" }], fill("M2.5 18c0-8 15-8 15 0z", "#269")]],
  page_facing_up: ["📄", [["rect", { x: 4, y: 2, width: 12, height: 16, rx: 1, fill: "#e1e8ed", stroke: "#99aab5" }], stroke("M7 7h6M7 10h6M7 13h4", "#99aab5", 1.2)]],
};

const NAMES = Object.fromEntries(Object.entries(DRAWINGS).map(([name, [character]]) => [character, name]));
const FOUND = new RegExp(`(${Object.keys(NAMES).join("|")})\uFE0F?`, "gu");

export function emoji(name) {
  const drawing = DRAWINGS[name];
  if (!drawing) return document.createTextNode(`:${name}:`); // as Slack shows a name it does not know
  return h("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, svg(20, ...drawing[1]));
}

// A line of text with its emoji drawn.
export function withEmoji(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(FOUND)) {
    if (found.index > at) parts.push(text.slice(at, found.index));
    parts.push(emoji(NAMES[found[1]]));
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

export const REACTIONS = ["eyes", "white_check_mark", "robot_face", "+1", "pray", "tada"];
