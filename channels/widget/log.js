// By `seq`, unsent ones last. What is still being written stands beside role=log, which would read out every fragment.
import { render } from './tree.js';

const SPARK = 'M11 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2zM19 15l1 2.5 2.5 1-2.5 1-1 2.5-1-2.5-2.5-1 2.5-1z';
const TOGETHER = 180_000;
const HISTORY = 50; // what the server sends unasked
const TYPING = 60_000;

const initials = (name) => name.split(/\s+/).map((word) => [...word][0]).slice(0, 2).join('').toUpperCase();
const unsent = (state) => /failed|lost/.test(state);
const day = (time) => new Date(time).toDateString();

export class Log {
  items = [];
  #chat;
  #t;
  #on;
  #list;
  #live;
  #hello;
  #earlier;
  #preview = null;
  #ended = new Set();
  #waits = 0;
  #stays = true;
  #bySeq = new Map();
  #byId = new Map();

  constructor(chat, t, on) {
    const { make } = chat;
    this.#chat = chat;
    this.#t = t;
    this.#on = on;
    this.#hello = make('div', { class: 'hello' }, this.face(), make('h3', {}, t.hello), make('p', {}, t.intro));
    this.#list = make('div', { role: 'log' });
    this.#live = make('div', { class: 'live', 'aria-busy': true });
    this.#earlier = this.#button(t.earlier, () => {
      this.#earlier.remove();
      this.settle(false);
      on.earlier();
    }, 'earlier');
    this.element = make('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': t.messages });
    this.newest = this.#button(t.newest, () => this.toEnd(), 'newest');
    this.element.onscroll = () => {
      this.#stays = this.#atEnd();
      if (this.#stays) this.newest.hidden = true;
    };
    new ResizeObserver(() => this.#stays && this.toEnd()).observe(this.element);
    this.clear();
  }

  clear() {
    this.items = [];
    for (const known of [this.#bySeq, this.#byId, this.#ended]) known.clear();
    this.#list.replaceChildren();
    this.element.replaceChildren(this.#hello, this.#list, this.#live);
    this.settle(false);
    this.quieten();
    this.toEnd();
  }

  /** History is not announced, what comes after it is. */
  settle(done) {
    this.#list.ariaBusy = !done;
  }

  message(message) {
    const { from, turn, seq, replaces, id } = message;
    const old = this.#bySeq.get(replaces) ?? this.#byId.get(id);
    const seen = this.#preview && this.#preview.turn === turn;
    if (from !== 'customer') this.#end(message);
    this.#follow(() => (old ? this.#update(old, message) : this.#add(message, '', seen)));
    this.#spend();
    if (this.#bySeq.size === HISTORY && seq) this.#list.before(this.#earlier);
  }

  pending(item) {
    if (!this.#byId.has(item.id)) this.#follow(() => this.#add({ ...item, from: 'customer' }, 'sending'), true);
    this.#spend();
  }

  mark(id, state) {
    const item = this.#byId.get(id);
    if (!item) return;
    this.#fill(Object.assign(item, { state }));
    this.#spend();
  }

  line(text) {
    const last = this.items.findLast(({ order }) => order < Infinity)?.order ?? 0;
    this.#follow(() => this.#insert(this.#item({ from: 'system', text, at: Date.now() }, last + 0.001)));
  }

  delta({ turn, offset, text }) {
    if (this.#ended.has(turn)) return;
    if (this.#preview?.turn !== turn) this.#preview = { turn, characters: [] };
    const { characters } = this.#preview;
    const added = [...text]; // offsets count code points
    if (offset > characters.length) return; // a hole
    characters.splice(offset, added.length, ...added);
    this.#draw();
  }

  discard({ turn }) {
    if (this.#preview?.turn === turn) this.quieten();
  }

  typing() {
    clearTimeout(this.#waits);
    this.#waits = setTimeout(() => this.quieten(), TYPING);
    this.#draw();
  }

  quieten() {
    clearTimeout(this.#waits);
    this.#waits = 0;
    this.#preview = null;
    this.#draw();
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.newest.hidden = this.#stays = true;
  }

  face(name) {
    const { make, icon } = this.#chat;
    return make('span', { class: 'face', 'aria-hidden': true }, name ? initials(name) : icon(SPARK));
  }

  #add(message, state, seen) {
    const item = this.#item(message, message.seq ?? Infinity, state);
    item.node.classList.toggle('fresh', this.#list.ariaBusy !== 'true' && !seen);
    this.#know(item);
    this.#insert(item);
  }

  #update(item, message) {
    item.message = { ...message, at: message.replaces ? item.message.at : message.at };
    item.state = '';
    this.#know(item);
    this.#fill(item);
    if (item.order < Infinity) return;
    this.items.splice(this.items.indexOf(item), 1);
    item.order = message.seq;
    this.#insert(item);
  }

  #know(item) {
    const { seq, id } = item.message;
    if (seq) this.#bySeq.set(seq, item);
    if (id) this.#byId.set(id, item);
  }

  #insert(item) {
    const { items } = this;
    const place = items.findLastIndex(({ order }) => order <= item.order) + 1;
    items.splice(place, 0, item);
    const next = items[place + 1]?.node ?? null;
    if (!item.node.parentNode || item.node.nextSibling !== next) this.#list.insertBefore(item.node, next);
    this.#join(items[place - 1]?.message, item);
    if (next) this.#join(item.message, items[place + 1]);
    this.#hello.remove();
  }

  #join(before, { node, message }) {
    const sameDay = before && day(before.at) === day(message.at);
    node.querySelector('.day').textContent = sameDay ? '' : this.#dayName(message.at);
    node.classList.toggle('more', Boolean(sameDay && before.from === message.from && before.name === message.name
      && new Date(message.at) - new Date(before.at) < TOGETHER));
  }

  #dayName(time) {
    const { locale } = this.#chat;
    const days = Math.round((new Date(day(time)) - new Date(day(Date.now()))) / 86_400_000);
    const name = days > -2
      ? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day')
      : new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(time));
    return name[0].toLocaleUpperCase(locale) + name.slice(1);
  }

  #item(message, order, state) {
    const { make } = this.#chat;
    const { from, name } = message;
    const own = from === 'agent' && this.#chat.element.dataset.title;
    const who = make('div', { class: 'who' }, name || own || this.#t[{ customer: 'you', staff: 'team' }[from] ?? 'title']);
    if (from === 'agent') who.append(make('span', { class: 'tag' }, this.#t.ai));
    const body = make('div', { class: 'body' }, who, ...['bubble', 'extra', 'choices', 'meta'].map((part) => make('div', { class: part })));
    const node = make('div', { class: `msg ${from}` }, make('div', { class: 'day' }), this.face(from === 'staff' && (name || this.#t.team)), body);
    const item = { message, order, state, node };
    this.#fill(item);
    return item;
  }

  #fill(item) {
    const { node, state, message } = item;
    const { text, tree, buttons, cards, files, at } = message;
    const [bubble, extra, choices, meta] = [...node.lastChild.children].slice(1);
    const rich = tree?.length;
    node.classList.toggle('failed', unsent(state));
    bubble.dir = 'auto';
    if (rich || bubble.textContent !== text) bubble.replaceChildren(...(rich ? render(tree) : [text ?? ''])); // or it is read out again
    bubble.classList.toggle('plain', !rich);
    if (cards || files) import('./extras.js').then(({ below }) => this.#follow(() => below(this.#chat, extra, message)));
    choices.replaceChildren(...(buttons ?? []).map((button) => this.#choice(item, button)));
    meta.replaceChildren(...(state ? this.#progress(item) : [this.#time(at)]));
    node.hidden = !rich && !text && !files && !choices.firstChild; // taken back
  }

  #time(at) {
    const when = new Date(at);
    return this.#chat.make('time', { datetime: when.toISOString() }, new Intl.DateTimeFormat(this.#chat.locale, { timeStyle: 'short' }).format(when));
  }

  #progress({ state, message: { id, text } }) {
    const retry = () => {
      this.mark(id, 'sending');
      this.#on.retry(id);
    };
    return [this.#t[state], ...(unsent(state) && (text || state === 'failed') ? [this.#button(this.#t.retry, retry)] : [])];
  }

  #button(text, act, name = '') {
    const button = this.#chat.make('button', { class: name, type: 'button', dir: 'auto' }, text);
    button.onclick = act;
    return button;
  }

  #choice(item, button) {
    const made = this.#button(button.label, () => this.#press(item, button));
    if (button.detail) made.append(this.#chat.make('small', {}, button.detail));
    return made;
  }

  #press(item, { id, label }) {
    item.picked = id;
    this.#spend();
    this.#on.press(item.message.id, id, label);
  }

  /** Only the newest question is open, and only until something is answered, by a button or in words. */
  #spend() {
    const said = new Set();
    let open = true;
    for (const { node, state, picked, message: { from, text, buttons } } of [...this.items].reverse()) {
      if (from === 'customer' && !unsent(state)) said.add(text);
      if (!buttons?.length) continue;
      const answer = buttons.findIndex(({ id, label }) => id === picked || said.has(label));
      node.querySelectorAll('.choices button').forEach((button, n) => {
        button.disabled = !open || said.size > 0 || answer >= 0;
        button.className = n === answer ? 'picked' : '';
      });
      open = false;
    }
  }

  #end({ turn, from }) {
    if (turn) this.#ended.add(turn);
    if (this.#waits || this.#preview?.turn === turn || from === 'staff') this.quieten();
  }

  #draw() {
    const text = this.#preview?.characters.join('');
    if (!text && !this.#waits) return this.#live.replaceChildren();
    const { make } = this.#chat;
    this.#follow(() => {
      const { name } = this.items.findLast(({ message }) => message.from === 'agent')?.message ?? {};
      if (!this.#live.firstChild) this.#live.append(this.#item({ from: 'agent', name, at: 0 }).node);
      const bubble = this.#live.querySelector('.bubble');
      this.#live.firstChild.hidden = false;
      bubble.classList.toggle('text', Boolean(text));
      bubble.replaceChildren(text || make('span', { class: 'dots', 'aria-hidden': true }, make('i'), make('i'), make('i')));
    });
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  #follow(change, force) {
    change();
    if (force || this.#stays) this.toEnd();
    else this.newest.hidden = this.#list.ariaBusy === 'true';
  }
}
