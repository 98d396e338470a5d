// What not every chat has, loaded when one does: link cards, files beside words, and sending files.
import { delay, failure } from './client.js';
import { parse } from './store.js';

const LARGEST = 20_000_000;
const MOST = 5;
const TRIES = 6;
const PATIENCE = 120_000; // ms in which nothing moves
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
.tray{display:grid;gap:6px}
.tray:not(:empty){margin-block-end:8px}
.tray .file span{flex:1;min-inline-size:0}
.tray button{padding:4px;border-radius:50%}
.tray .retry{border-radius:8px;font-weight:600;text-decoration:underline}
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

const held = new WeakMap(); // what was sent along → File, as long as somebody may ask for it again

/** XMLHttpRequest, since fetch() does not tell how far it is. */
const put = (address, file, token, signal, moved) => new Promise((done, broken) => {
  const request = new XMLHttpRequest();
  const stop = () => request.abort();
  let idle;
  const alive = () => {
    clearTimeout(idle);
    idle = setTimeout(stop, PATIENCE);
  };
  request.open('PUT', address);
  request.setRequestHeader('Authorization', `Bearer ${token}`);
  request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
  request.upload.onprogress = ({ loaded, total }) => {
    alive();
    moved(loaded / total);
  };
  request.onloadend = () => {
    clearTimeout(idle);
    const { status, responseText } = request;
    const answer = status < 300 && parse(responseText);
    if (answer) done(answer);
    else broken(failure({ status, headers: { get: (name) => request.getResponseHeader(name) } }));
  };
  signal.addEventListener('abort', stop);
  alive();
  request.send(file);
});

/** Until it is there, is refused, or has failed too often. */
const upload = async ({ base }, client, { id, name }, file, signal, moved) => {
  const address = `${base}web/files/${id}/${encodeURIComponent([...name].slice(-200).join(''))}`;
  for (let tries = 0; ; tries++) {
    const token = await client.token();
    signal.throwIfAborted();
    try {
      return await put(address, file, token, signal, moved);
    } catch (error) {
      if (signal.aborted || error.final || tries === TRIES) throw error;
      if (error.status === 401) client.renew(token);
      await new Promise((on) => setTimeout(on, delay(error, tries)));
    }
  }
};

/** A button, a drop and a paste: files go up at once, and along with the next message. */
export const attach = (chat, strings, panel, client) => new Tray(chat, strings, panel, client);

class Tray {
  #chat;
  #t;
  #client;
  #form;
  #tray;
  #note;
  #items = new Set();
  #life = new AbortController();
  #waits = false;
  #over = false;

  constructor(chat, strings, panel, client) {
    const { make, icon } = (this.#chat = chat);
    this.#t = strings;
    this.#client = client;
    style(chat);
    this.#form = panel.querySelector('form');
    this.#tray = make('div', { class: 'tray', role: 'status' });
    this.#note = make('small');
    const input = make('input', { type: 'file', multiple: '', hidden: '', tabindex: -1 });
    const button = make('button', { class: 'attach', type: 'button', 'aria-label': strings.attach }, icon(CLIP));
    button.onclick = () => input.click();
    input.onchange = () => {
      this.#choose(input.files);
      input.value = '';
    };
    this.#form.before(this.#tray);
    this.#form.querySelector('.send').before(button, input);
    this.#listen(panel);
    client.tray = this;
  }

  /** What goes along with the message that is being sent. */
  take() {
    if (this.#waits) return undefined; // it goes with the words that wait for it
    const files = [...this.#items].filter(({ done }) => done).map((item) => {
      const { id, name, media_type, size: bytes } = item;
      const told = { id, name, media_type, size: bytes };
      held.set(told, item.file);
      this.#drop(item);
      return told;
    });
    this.#over = false;
    this.#look();
    return files.length ? files : undefined;
  }

  /** The same files once more, for another session; nothing when they are not here any more. */
  again(files) {
    if (!files.every((told) => held.has(told))) return undefined;
    const { signal } = this.#life;
    return Promise.all(files.map((told) => upload(this.#chat, this.#client, told, held.get(told), signal, () => {})));
  }

  /** Nothing of one person stays for the next. */
  empty() {
    this.#life.abort();
    this.#life = new AbortController();
    this.#items.forEach((item) => this.#drop(item));
    this.#waits = this.#over = false;
    this.#look();
  }

  #listen(panel) {
    panel.addEventListener('paste', ({ clipboardData }) => this.#choose(clipboardData.files));
    panel.addEventListener('dragover', (event) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      panel.classList.add('drop');
    });
    for (const name of ['dragleave', 'drop']) panel.addEventListener(name, () => panel.classList.remove('drop'));
    panel.addEventListener('drop', (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.#choose(event.dataTransfer.files);
    });
    this.#form.addEventListener('submit', (event) => this.#hold(event), true);
    this.#form.addEventListener('input', () => {
      this.#waits = false; // words that change are not sent by themselves
      this.#look();
    });
  }

  get #full() {
    return [...this.#items].filter(({ failed }) => !failed).length >= MOST;
  }

  #choose(files) {
    this.#over = false;
    for (const file of files) {
      if (this.#full) this.#over = true;
      else this.#add(file);
    }
    this.#look();
  }

  #add(file) {
    const { make, icon, locale } = this.#chat;
    const name = file.name.replace(/[/\\]/g, '_') || 'file';
    const item = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`.replace('.', ''), name, file, stop: new AbortController() };
    const remove = make('button', { type: 'button', 'aria-label': `${this.#t.remove} ${name}` }, icon(CROSS));
    remove.onclick = () => this.#remove(item);
    item.told = make('small', {}, size(file.size, locale));
    item.bar = make('progress', { max: 1, value: 0, 'aria-label': this.#t.sending });
    item.retry = make('button', { class: 'retry', type: 'button', 'aria-label': `${this.#t.retry}: ${name}` }, this.#t.retry);
    item.retry.onclick = () => this.#retry(item);
    item.node = make('div', { class: 'file' }, icon(CLIP), make('span', { dir: 'auto' }, name), item.told, remove);
    this.#items.add(item);
    this.#tray.append(item.node);
    if (file.size > LARGEST) this.#wrong(item, this.#t.tooLarge);
    else if (!file.size) this.#wrong(item, this.#t.notTaken);
    else this.#upload(item);
  }

  async #upload(item) {
    const { file, bar, stop } = item;
    const signal = AbortSignal.any([stop.signal, this.#life.signal]);
    item.told.after(bar);
    try {
      const { name, media_type, size: bytes } = await upload(this.#chat, this.#client, item, file, signal, (part) => (bar.value = part));
      Object.assign(item, { name, media_type, size: bytes, done: true });
    } catch ({ status }) {
      if (signal.aborted) return;
      const said = { 413: this.#t.tooLarge, 415: this.#t.notTaken }[status];
      this.#wrong(item, said ?? this.#t.failed, !said);
    }
    bar.remove();
    this.#look();
    this.#go();
  }

  #wrong(item, text, again) {
    item.failed = true;
    item.node.classList.add('wrong');
    item.told.textContent = text;
    if (again) item.told.after(item.retry);
  }

  #retry(item) {
    if ((this.#over = this.#full)) return this.#look();
    item.failed = false;
    item.node.classList.remove('wrong');
    item.told.textContent = size(item.file.size, this.#chat.locale);
    item.retry.remove();
    this.#upload(item);
    this.#back();
  }

  #drop(item) {
    item.stop.abort();
    item.node.remove();
    this.#items.delete(item);
  }

  #remove(item) {
    this.#drop(item);
    this.#over = false;
    this.#back();
    this.#go();
  }

  #back() {
    this.#look();
    this.#form.querySelector('textarea').focus();
  }

  /** A message waits for its files, and for a word on those that failed. */
  #hold(event) {
    this.#waits = this.#open;
    this.#look();
    if (!this.#waits) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#failed?.node.querySelector('button').focus();
  }

  get #open() {
    return [...this.#items].some(({ done }) => !done);
  }

  get #failed() {
    return [...this.#items].find(({ failed }) => failed);
  }

  #go() {
    if (this.#waits && !this.#open) this.#form.requestSubmit();
  }

  #look() {
    const { held: stuck, tooMany } = this.#t;
    const text = this.#form.querySelector('textarea').value.trim();
    this.#form.querySelector('.send').ariaDisabled = !text && ![...this.#items].some(({ failed }) => !failed);
    this.#note.textContent = (this.#waits && this.#failed && stuck) || (this.#over && tooMany) || '';
    if (this.#note.textContent) this.#tray.append(this.#note);
    else this.#note.remove();
  }
}
