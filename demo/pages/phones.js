// Two phones: a live view of what Telegram and Twilio hold, and what their owners do there.

import { h } from "./dom.js";
import { openPhone } from "./phone.js";

const announcer = document.getElementById("announcer");
const phones = new Map();
for (const place of document.querySelectorAll(".place")) {
  phones.set(place.dataset.app, openPhone(place, (words) => announcer.replaceChildren(h("span", {}, words))));
}

const connection = document.getElementById("connection");
const stream = new EventSource("/demo/api/phones/events");
stream.addEventListener("snapshot", (event) => {
  connection.textContent = "";
  for (const [app, held] of Object.entries(JSON.parse(event.data))) phones.get(app).take(held);
});
stream.addEventListener("news", (event) => {
  const { app, ...news } = JSON.parse(event.data);
  phones.get(app).hear(news);
});
stream.addEventListener("error", () => {
  connection.textContent = "Reconnecting…";
});
document.addEventListener("visibilitychange", () => phones.forEach((phone) => phone.look()));
