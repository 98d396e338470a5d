// The launcher hands over `chat` and calls toggle, send, identify and reset.
import { Client } from './client.js';
import { Composer } from './composer.js';
import { Log } from './log.js';
import strings from './strings.js';
import css from './style.js';

const SMALL = matchMedia('(max-width: 480px), (max-height: 420px)');
const tongue = (tag) => (tag ?? '').slice(0, 2).toLowerCase();

/** The strings of the language asked for; sets `chat.locale`, with the visitor's region for times. */
const speak = async (chat) => {
  const own = chat.element.dataset.mode === 'page';
  const asked = own ? new URLSearchParams(location.search).get('locale') || navigator.language : chat.locale;
  chat.locale = navigator.languages.find((tag) => tag.startsWith(asked)) ?? asked;
  if (tongue(asked) === 'en') return strings;
  try {
    const table = await fetch(new URL(`locales/${tongue(asked)}.json`, import.meta.url));
    return { ...strings, ...(await table.json()) };
  } catch {
    chat.locale = 'en';
    return strings;
  }
};

export default async (chat) => new Panel(chat, await speak(chat));

class Panel {
  #chat;
  #t;
  #page;
  #client;
  #log;
  #composer;
  #panel;
  #title;
  #subtitle;
  #face;
  #banner;
  #status;
  #opener;
  #started = false;
  #owner;
  #since = Date.now();
  #counting;

  constructor(chat, t) {
    this.#chat = chat;
    this.#t = t;
    this.#page = chat.element.dataset.mode === 'page';
    this.#log = new Log(chat, t, {
      press: (...choice) => {
        this.#client.press(...choice);
        this.#composer.focus();
      },
      retry: (id) => this.#client.retry(id),
      earlier: () => this.#client.earlier(),
    });
    this.#composer = new Composer(chat, t, (text) => this.#client.send(text));
    this.#composer.element.prepend(this.#log.newest);
    this.#build();
    const handlers = this.#handlers();
    this.#client = new Client(chat, (name, ...rest) => (handlers[name] ? handlers[name](...rest) : this.#log[name](...rest)));
    import('./extras.js').then(({ attach }) => attach(chat, t, this.#panel, this.#client));
    this.#listen();
    if (chat.identity || this.#client.conversation) this.#start();
  }

  toggle() {
    const { opened, element, button } = this.#chat;
    const { body, activeElement } = document;
    if (opened) this.#opener = activeElement === body || activeElement === element ? button : activeElement;
    this.#fit();
    if (opened) this.#opened();
    else this.#closed();
  }

  send(text) {
    this.#client.send(text);
  }

  identify() {
    this.#started = true;
    this.#client.identify(this.#chat.identity);
  }

  reset() {
    this.#client.reset();
    this.#started = false;
    if (this.#chat.opened) this.#start();
  }

  #build() {
    const { make, icon, root, element, locale } = this.#chat;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets.push(sheet);
    this.#title = make(this.#page ? 'h1' : 'h2', { id: 'title' });
    this.#subtitle = make('p');
    this.#face = make('i');
    const close = make('button', { class: 'close', 'aria-label': this.#t.close }, icon('M6 6l12 12M18 6 6 18'));
    close.onclick = () => this.#chat.show(false);
    this.#banner = make('div', { class: 'banner', role: 'status' });
    this.#status = make('div', { class: 'hid', role: 'status' });
    this.#panel = make('div', { class: 'panel', part: 'panel', role: this.#page ? 'main' : 'dialog', 'aria-labelledby': 'title' },
      make('div', { class: 'head' }, this.#face, make('div', {}, this.#title, this.#subtitle), close),
      this.#banner, this.#log.element, this.#composer.element);
    root.append(this.#panel, this.#status);
    element.dir = tongue(locale) === 'ar' ? 'rtl' : 'ltr';
    element.lang = locale;
    if (this.#page) this.#ownPage();
    this.#head({});
  }

  #ownPage() {
    this.#chat.element.removeAttribute('role');
    this.#chat.element.removeAttribute('aria-label');
    document.documentElement.lang = this.#chat.locale;
    document.title = this.#t.title;
  }

  #handlers() {
    return {
      status: (state, tries) => this.#connection(state, tries),
      message: (message) => this.#message(message),
      typing: () => this.#typing(),
      state: (state) => this.#state(state),
      cleared: () => this.#cleared(),
      gone: () => this.reset(),
      read: () => this.#count(),
      refused: () => this.#chat.emit('error', { reason: 'identity' }),
    };
  }

  #listen() {
    const { show, covers, element } = this.#chat;
    addEventListener('keydown', ({ key, isComposing }) => {
      const focused = document.activeElement;
      if (key !== 'Escape' || isComposing || this.#page) return;
      if (focused === element || covers(focused)) show(false); // WCAG 2.4.11
    });
    SMALL.onchange = () => this.#fit();
    document.addEventListener('visibilitychange', () => this.#count());
    // a phone's keyboard covers the page
    window.visualViewport?.addEventListener('resize', () => this.#panel.style.setProperty('--view', `${visualViewport.height * visualViewport.scale}px`));
  }

  #opened() {
    this.#start();
    this.#composer.focus();
    this.#log.toEnd();
    this.#count();
  }

  #closed() {
    const { root } = this.#chat;
    if (this.#panel.contains(root.activeElement) || document.activeElement === document.body) this.#opener?.focus();
  }

  #start() {
    if (this.#started) return;
    this.#started = true;
    this.#client.connect();
  }

  #fit() {
    if (this.#page) return;
    const modal = this.#chat.opened && SMALL.matches;
    this.#chat.flag('full', SMALL.matches);
    this.#panel.ariaModal = modal;
    document.body.inert = modal;
  }

  #connection(state, tries) {
    this.#banner.textContent = state === 'offline' || tries ? this.#t[state] : '';
    if (state !== 'online') return;
    this.#log.quieten();
    setTimeout(() => this.#log.settle(true), 500);
  }

  #message(message) {
    this.#status.textContent = '';
    this.#log.message(message);
    clearTimeout(this.#counting);
    if (this.#chat.opened) this.#count();
    else this.#counting = setTimeout(() => this.#count(), 20);
  }

  #typing() {
    this.#log.typing();
    if (this.#chat.opened) this.#status.textContent = this.#t.typing;
  }

  #state(state) {
    const before = this.#owner;
    this.#head(state);
    this.#owner = state;
    this.#chat.emit('state', state);
    if (before?.owner === 'agent' && state.owner === 'staff' && !state.name) this.#log.line(this.#t.handed); // whoever it is, the server says
  }

  #head({ owner, name }) {
    const staff = owner === 'staff';
    this.#title.textContent = (staff && name) || this.#chat.element.dataset.title || this.#t.title;
    this.#subtitle.textContent = staff ? this.#t.team : this.#t.ai;
    const face = this.#log.face(staff && (name || this.#t.team));
    this.#face.replaceWith(face);
    this.#face = face;
    this.#composer.person.hidden = staff;
  }

  #cleared() {
    this.#owner = null;
    this.#since = Date.now();
    this.#status.textContent = '';
    this.#log.clear();
    this.#composer.clear();
    this.#client.tray?.empty();
    this.#head({});
    this.#count();
  }

  #count() {
    const { opened, button, unread } = this.#chat;
    const { store, conversation } = this.#client;
    const received = this.#log.items.map(({ message }) => message).filter(({ from }) => /agent|staff/.test(from));
    const last = received.at(-1)?.seq;
    let read = store.get('#read');
    if (read?.conversation !== conversation) read = null;
    if (last && opened && !document.hidden && !(read?.seq >= last)) store.set('#read', (read = { conversation, seq: last }));
    const count = received.filter(({ seq, at }) => (read ? seq > read.seq : new Date(at) > this.#since)).length;
    unread(count);
    if (count && !opened) this.#status.textContent = button.ariaLabel;
  }
}
