// The storefront: pictures, the customer's orders as they stand, and sentences to try in the chat.

import { h, svg } from "./dom.js";
import { DRAWINGS } from "./products.js";

const customer = document.body.dataset.customer;
const told = document.querySelector(".told");

function picture(element) {
  const { ground, shapes } = DRAWINGS[element.dataset.sku];
  element.style.setProperty("--ground", ground);
  element.replaceChildren(svg(120, ...shapes));
  return element;
}

async function say(button) {
  const text = button.dataset.say;
  button.classList.add("sent");
  window.SupportChat?.("open");
  if (window.SupportChat?.("send", text)) {
    told.textContent = "Sent. The answer appears in the chat.";
    return;
  }
  await navigator.clipboard.writeText(text);
  told.textContent = "Copied: paste it into the chat.";
}

const STATUS = { paid: "Paid", shipped: "On its way", delivered: "Delivered", returned: "Return received", refunded: "Refunded", cancelled: "Cancelled" };

function orderRow(order) {
  const day = new Date(order.placed_at).toLocaleDateString("en", { day: "numeric", month: "long" });
  const note = order.refund_ref ? ` · confirmation ${order.refund_ref}` : order.held ? " · held by the warehouse" : "";
  return h(
    "li",
    {},
    picture(h("span", { class: "picture", "data-sku": order.sku, "aria-hidden": "true" })),
    h("span", {}, h("b", {}, order.title), h("small", {}, `${order.order_id} · ${day}${note}`)),
    h("span", { class: `status ${order.status}` }, STATUS[order.status] ?? order.status),
    h("span", { class: "price" }, `$${order.total.toFixed(2)}`),
  );
}

let shown = "";
async function showOrders() {
  const answer = await fetch(`/demo/api/shop/orders?customer=${encodeURIComponent(customer)}`).catch(() => null);
  if (!answer?.ok) return; // stopped for a moment: asked again soon
  const text = await answer.text();
  if (text === shown) return;
  shown = text;
  document.getElementById("order-list").replaceChildren(...JSON.parse(text).orders.map(orderRow));
}

document.querySelectorAll(".products .picture").forEach(picture);
document.querySelectorAll("[data-say]").forEach((button) => button.addEventListener("click", () => say(button)));
document.getElementById("customer").addEventListener("change", (event) => event.target.form.submit());
if (customer) {
  showOrders();
  setInterval(() => document.hidden || showOrders(), 3000);
}
