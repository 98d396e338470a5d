// What not every chat has, loaded when one does: link cards, files beside words, and sending files.

const LARGEST = 20_000_000;
const MOST = 5;
const CLIP = 'm20 11-8 8a5 5 0 0 1-7-7l9-9a3 3 0 0 1 5 5l-9 9a1 1 0 0 1-2-2l8-8';
const CROSS = 'M7 7l10 10M17 7 7 17';
const CSS = `
.extra{display:grid;gap:6px;max-inline-size:100%}
.extra:not(:empty){margin-block-start:6px}
.card,.file{display:flex;flex-wrap:wrap;align-items:center;gap:2px 8px;padding:9px 14px;border:1px solid var(--line);border-radius:14px;
color:var(--fg);background:var(--bg);text-decoration:none}
.card b{color:var(--accent);text-decoration:underline;text-underline-offset:2px}
.card small,.card span{inline-size:100%}
.card:hover,a.file:hover{background:var(--soft)}
.extra small,.tray small{color:var(--muted)}
.file svg{inline-size:18px;color:var(--accent)}
.attach,.tray button{display:grid}
.attach{padding:7px;border-radius:50%;color:var(--muted)}
.attach:hover{color:var(--fg);background:var(--soft)}
.attach svg{inline-size:20px}
.tray{display:grid;gap:6px;margin-block-end:8px}
.tray:empty{display:none}
.tray .file span{flex:1;min-inline-size:0}
.tray button{padding:4px;border-radius:50%}
.tray .wrong,.tray .wrong small{color:light-dark(#b3161f,#ff9ea1)}
progress{inline-size:72px;accent-color:var(--accent)}
.drop form{border-color:var(--accent);box-shadow:0 0 0 3px var(--tint)}`;

const styled = new WeakSet();

/** Once for each chat. */
const style = ({ root }) => {
  if (styled.has(root)) return;
  styled.add(root);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets.push(sheet);
};

const size = (bytes, locale) => {
  const unit = bytes < 1_000_000 ? 'kilobyte' : 'megabyte';
  const amount = Math.max(bytes / (unit === 'kilobyte' ? 1_000 : 1_000_000), 0.1);
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: amount < 10 ? 1 : 0 }).format(amount);
};

const away = (url) => (/^https?:/.test(url ?? '') ? { href: url, target: '_blank', rel: 'noopener nofollow ugc' } : {});

/** Below a message: its link cards and files. */
export const below = (chat, place, { cards = [], files = [] }) => {
  const { make, icon, locale } = chat;
  style(chat);
  place.replaceChildren(
    ...cards.filter(({ url }) => /^https:/.test(url)).map(({ url, title, text }) => make('a', { class: 'card', dir: 'auto', ...away(url) },
      make('b', {}, title), ...(text ? [make('span', {}, text)] : []), make('small', {}, new URL(url).hostname))),
    ...files.map(({ name, size: bytes, url }) => make(url ? 'a' : 'div', { class: 'file', ...away(url) },
      icon(CLIP), make('span', { dir: 'auto' }, name), make('small', {}, size(bytes, locale)))),
  );
};

/** A button, a drop and a paste: files go up at once, and along with the next message. */
export const attach = (chat, strings, panel, client) => new Tray(chat, strings, panel, client);

class Tray {
  #chat;
  #t;
  #client;
  #form;
  #tray;
  #items = new Set();
  #waits = false;

  constructor(chat, strings, panel, client) {
    const { make, icon } = (this.#chat = chat);
    this.#t = strings;
    this.#client = client;
    style(chat);
    this.#form = panel.querySelector('form');
    this.#tray = make('div', { class: 'tray', role: 'status' });
    const input = make('input', { type: 'file', multiple: '', hidden: '', tabindex: -1 });
    const button = make('button', { class: 'attach', type: 'button', 'aria-label': strings.attach }, icon(CLIP));
    button.onclick = () => input.click();
    input.onchange = () => {
      this.#take(input.files);
      input.value = '';
    };
    this.#form.before(this.#tray);
    this.#form.querySelector('.send').before(button, input);
    this.#listen(panel);
    client.attached = () => this.#sent();
  }

  #listen(panel) {
    panel.addEventListener('paste', ({ clipboardData }) => this.#take(clipboardData.files));
    panel.addEventListener('dragover', (event) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      panel.classList.add('drop');
    });
    for (const name of ['dragleave', 'drop']) panel.addEventListener(name, () => panel.classList.remove('drop'));
    panel.addEventListener('drop', (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.#take(event.dataTransfer.files);
    });
    this.#form.addEventListener('submit', (event) => this.#hold(event), true);
    this.#form.addEventListener('input', () => this.#ready());
  }

  #take(files) {
    for (const file of files) if (this.#items.size < MOST) this.#add(file);
  }

  #add(file) {
    const { make, icon, locale } = this.#chat;
    const name = file.name.replace(/[/\\]/g, '_') || 'file';
    const item = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`.replace('.', ''), name, size: file.size, media_type: file.type };
    const bar = make('progress', { max: 1, value: 0, 'aria-label': this.#t.sending });
    const remove = make('button', { type: 'button', 'aria-label': `${this.#t.remove} ${name}` }, icon(CROSS));
    const told = make('small', {}, size(file.size, locale));
    item.node = make('div', { class: 'file' }, icon(CLIP), make('span', { dir: 'auto' }, name), told, bar, remove);
    remove.onclick = () => this.#remove(item);
    item.wrong = (text) => {
      item.failed = true;
      item.node.classList.add('wrong');
      bar.remove();
      told.textContent = text;
      this.#ready();
    };
    this.#items.add(item);
    this.#tray.append(item.node);
    if (file.size > LARGEST) item.wrong(this.#t.tooLarge);
    else if (!file.size) item.wrong(this.#t.notTaken);
    else this.#upload(item, file, bar);
    this.#ready();
  }

  /** XMLHttpRequest, since fetch() does not tell how far it is. */
  #upload(item, file, bar) {
    const request = (item.request = new XMLHttpRequest());
    request.open('PUT', `${this.#chat.base}web/files/${item.id}/${encodeURIComponent(item.name.slice(-200))}`);
    request.setRequestHeader('Authorization', `Bearer ${this.#client.token}`);
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => (bar.value = loaded / total);
    request.onload = () => this.#done(item, request, bar);
    request.onerror = () => item.wrong(this.#t.failed);
    request.send(file);
  }

  #done(item, { status, responseText }, bar) {
    if (status >= 300) return item.wrong({ 413: this.#t.tooLarge, 415: this.#t.notTaken }[status] ?? this.#t.failed);
    const { name, media_type, size: bytes } = JSON.parse(responseText);
    Object.assign(item, { name, media_type, size: bytes, done: true });
    bar.remove();
    this.#ready();
    if (this.#waits && !this.#open.length) this.#form.requestSubmit();
  }

  get #open() {
    return [...this.#items].filter(({ done, failed }) => !done && !failed);
  }

  #remove(item) {
    item.request?.abort();
    item.node.remove();
    this.#items.delete(item);
    this.#ready();
    this.#form.querySelector('textarea').focus();
  }

  /** A message waits for its files. */
  #hold(event) {
    this.#waits = this.#open.length > 0;
    if (!this.#waits) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #ready() {
    const text = this.#form.querySelector('textarea').value.trim();
    this.#form.querySelector('.send').ariaDisabled = !text && ![...this.#items].some(({ failed }) => !failed);
  }

  /** What goes along with the message that is being sent; what could not be uploaded stays to be seen. */
  #sent() {
    const files = [...this.#items].filter(({ done }) => done);
    for (const item of files) {
      item.node.remove();
      this.#items.delete(item);
    }
    return files.length ? files.map(({ id, name, media_type, size: bytes }) => ({ id, name, media_type, size: bytes })) : undefined;
  }
}
