// One key each, so that tabs never overwrite each other's; where storage is forbidden, a page's lifetime must do.
const area = (() => {
  try {
    return localStorage;
  } catch {
    return {};
  }
})();

export const parse = (json) => {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
};

export class Store {
  #prefix;

  constructor(prefix) {
    this.#prefix = prefix;
  }

  get(name) {
    return parse(area[this.#prefix + name] ?? null);
  }

  set(name, value) {
    try {
      area[this.#prefix + name] = JSON.stringify(value);
    } catch { /* full */ }
  }

  remove(name) {
    delete area[this.#prefix + name];
  }

  names(start) {
    return Object.keys(area).filter((name) => name.startsWith(this.#prefix + start)).map((name) => name.slice(this.#prefix.length));
  }

  watch(changed) {
    addEventListener('storage', ({ key }) => key?.startsWith(this.#prefix) && changed(key.slice(this.#prefix.length)));
  }
}
