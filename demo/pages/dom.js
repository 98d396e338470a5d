// Small helpers to build pages. Text always goes in as text nodes; there is no way to hand in HTML.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function svg(size, ...shapes) {
  const space = "http://www.w3.org/2000/svg";
  const root = document.createElementNS(space, "svg");
  root.setAttribute("viewBox", `0 0 ${size} ${size}`);
  root.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    root.append(shape);
  }
  return root;
}

// The answer as JSON; `error` says why it failed, also when nobody answered.
async function ask(path, type, body) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
    return { ok: answer.ok, ...(await answer.json()) };
  } catch {
    return { ok: false, error: "not_reachable" };
  }
}

export const post = (path, body) => ask(path, "application/json", JSON.stringify(body));

// The file is the body; everything else stands in the address.
export function upload(path, file, fields) {
  const query = new URLSearchParams({ ...fields, name: file.name, type: file.type });
  return ask(`${path}?${query}`, "application/octet-stream", file);
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`);

// A file of a message: a picture as one, anything else by its name.
export function shared(url, file) {
  const picture = /^image\/(png|jpeg|gif|webp)$/.test(file.type);
  const inner = picture
    ? h("img", { src: url, alt: file.name })
    : [h("span", { class: "sheet", "aria-hidden": "true" }, file.name.split(".").pop().slice(0, 4)), h("span", {}, h("b", {}, file.name), h("small", {}, size(file.size)))];
  return h("a", { class: picture ? "file picture" : "file", href: url, target: "_blank", rel: "noopener" }, inner);
}

export const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
