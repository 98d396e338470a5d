// A session, the stream of events, and an outbox that is resent until accepted.
import { Store, parse } from './store.js';
import { events } from './stream.js';

const QUIET = 45_000; // ms without a byte: dead
const HIDDEN = 30_000; // then an unseen tab lets go of its connection
const PATIENCE = 20_000;
const LATER = [401, 408, 425, 429];

const pause = (tries) => Math.min(30_000, 500 * 2 ** tries) * (0.5 + Math.random() / 2);
const newId = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('-');

export class Client {
  store;
  conversation;
  tray; // files, once extras.js is there
  #base;
  #identity;
  #on;
  #token = null;
  #asked = [];
  #wanted = false;
  #renew;
  #life = null;
  #tries = 0;
  #timer = 0;
  #watchdog = 0;
  #heard = 0;
  #last = 0;
  #resume = null;
  #seen = new Set();
  #outbox = new Map();
  #flushing = false;
  #resends = 0;
  #resend = 0;

  constructor({ base, key, identity }, on) {
    this.store = new Store(key);
    this.#base = base;
    this.#identity = identity;
    this.#renew = Boolean(identity);
    this.#on = on;
    this.conversation = this.store.get('')?.conversation;
    for (const name of this.store.names('#out:')) this.#queue(this.store.get(name));
    this.#watch();
  }

  /** Ends the connection and begins a new one. */
  connect() {
    this.#stop();
    this.#wanted = true;
    if (document.hidden) return;
    const { signal } = (this.#life = new AbortController());
    this.#listen(signal).catch((error) => {
      if (signal.aborted) return;
      this.#on('status', navigator.onLine ? 'reconnecting' : 'offline', this.#tries);
      this.#timer = setTimeout(() => this.connect(), delay(error, this.#tries++));
    });
  }

  /** The session's, as soon as there is one. */
  token() {
    return this.#token ?? new Promise((told) => this.#asked.push(told));
  }

  /** For whoever was told that it is no longer good. */
  renew(token) {
    if (token !== this.#token) return;
    this.#expired(token);
    this.connect();
  }

  identify(identity) {
    const [before, who] = [this.#identity, identity].map(subject);
    if (before && who && before !== who) this.#forget();
    this.#identity = identity;
    this.#renew = true;
    this.connect();
  }

  reset() {
    this.#stop();
    this.#wanted = false;
    this.#identity = undefined;
    this.#forget();
  }

  send(text) {
    const files = this.tray?.take();
    if (text || files) this.#put({ id: newId(), text, files, at: Date.now() });
  }

  press(message, button, label) {
    this.#put({ id: newId(), press: { message, button }, text: label, at: Date.now() });
  }

  retry(id) {
    delete this.#outbox.get(id)?.failed;
    this.#flush();
  }

  /** The whole history; what is known is dropped. */
  earlier() {
    this.#resume = 0;
    this.connect();
  }

  #stop() {
    this.#life?.abort();
    this.#life = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
  }

  #watch() {
    const again = () => this.#wanted && this.connect();
    addEventListener('online', again);
    addEventListener('offline', again); // only a hint: localhost is still there
    addEventListener('pagehide', () => this.#stop());
    addEventListener('pageshow', ({ persisted }) => persisted && again());
    let idle;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(idle);
      if (document.hidden) idle = setTimeout(() => this.#stop(), HIDDEN);
      else if (!this.#life || Date.now() - this.#heard > QUIET) again();
    });
    this.store.watch((name) => this.#elsewhere(name, again));
  }

  #elsewhere(name, again) {
    if (name === '#read') return this.#on('read');
    if (name) return;
    const saved = this.store.get('');
    if (!saved) return this.#on('gone');
    if (saved.conversation !== this.conversation) return again();
    this.#token = saved.session;
    this.#flush();
  }

  #alive() {
    this.#heard = Date.now();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.connect(), QUIET);
  }

  async #listen(signal) {
    this.#alive();
    await this.#session(signal);
    this.#flush();
    const from = this.#resume ?? (this.#last || null);
    this.#resume = null;
    const response = await this.#fetch('web/events', { signal, headers: from === null ? {} : { 'Last-Event-ID': from } });
    this.#on('status', 'online');
    this.#flush();
    const heard = () => {
      this.#tries = 0;
      this.#alive();
    };
    for await (const { event, data } of events(response.body, heard)) {
      if (signal.aborted) return;
      this.#event(event, parse(data) ?? {});
    }
    throw new Error('the stream ended');
  }

  #event(type, data) {
    if (type === 'message') this.#message(data);
    else if (/^(delta|discard|typing|state)$/.test(type)) this.#on(type, data);
  }

  #message(message) {
    if (!message.seq || this.#seen.has(message.seq)) return;
    this.#seen.add(message.seq);
    this.#last = Math.max(this.#last, message.seq);
    if (message.from === 'customer') this.#accepted(message.id);
    this.#on('message', message);
  }

  async #session(signal) {
    let saved = this.store.get('') ?? {};
    const who = subject(this.#identity);
    if (who && saved.who && saved.who !== who) {
      this.#forget(); // one person's words never stay for another
      saved = {};
    }
    if (saved.session && !this.#renew && Date.now() < saved.renew) return this.#adopt(saved);
    const { session, conversation, expires_at } = await this.#begin(saved, signal);
    this.#renew = false;
    const half = (Date.now() + new Date(expires_at).getTime()) / 2;
    const known = this.#identity ? who : saved.conversation === conversation ? saved.who : undefined;
    const next = { session, conversation, who: known, renew: half > Date.now() ? half : Date.now() + 60_000 };
    if (saved.who && saved.conversation !== conversation) this.#drop();
    this.store.set('', next);
    this.#adopt(next);
  }

  /** An expired token or a refused identity ends as a stranger's, never as another person's session. */
  async #begin({ session, who }, signal) {
    for (const [token, identity] of [[session, this.#identity], [null, this.#identity], [who ? null : session], []]) {
      if (this.#identity && !identity) {
        this.#identity = undefined;
        this.#on('refused');
      }
      const response = await this.#call('web/sessions', { method: 'POST', body: JSON.stringify({ identity }), signal }, token);
      if (response.ok) return response.json();
      if (![400, 401, 403, 422].includes(response.status)) throw failure(response);
    }
    throw new Error('no session');
  }

  #adopt({ session, conversation }) {
    const other = this.conversation && this.conversation !== conversation;
    this.#token = session;
    this.conversation = conversation;
    for (const told of this.#asked.splice(0)) told(session);
    if (!other) return;
    this.#blank();
    for (const [id, item] of this.#outbox) {
      if (this.store.get('#out:' + id)) this.#on('pending', item);
      else this.#outbox.delete(id);
    }
  }

  #expired(token) {
    const saved = this.store.get('');
    if (saved?.session === token) this.store.set('', { ...saved, session: null });
    this.#token = null;
  }

  #forget() {
    this.store.remove('');
    this.store.remove('#read');
    this.#drop();
    this.#token = null;
    this.conversation = null;
    this.#blank();
  }

  #drop() {
    for (const id of this.#outbox.keys()) this.store.remove('#out:' + id);
    this.#outbox.clear();
  }

  #blank() {
    this.#last = 0;
    this.#resume = null;
    this.#seen.clear();
    this.#on('cleared');
  }

  #put(item) {
    this.store.set('#out:' + item.id, item);
    this.#queue(item);
    this.#flush();
  }

  #queue(item) {
    if (!item) return;
    this.#outbox.set(item.id, item);
    this.#on('pending', item);
  }

  #accepted(id) {
    if (this.#outbox.delete(id)) this.store.remove('#out:' + id);
  }

  async #flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    clearTimeout(this.#resend);
    try {
      for (let item; this.#token && (item = this.#next()); ) await this.#post(item);
    } catch (error) {
      const again = () => (error.status === 401 ? this.connect() : this.#flush());
      this.#resend = setTimeout(again, delay(error, this.#resends++));
    } finally {
      this.#flushing = false;
    }
  }

  #next() {
    return [...this.#outbox.values()].find((item) => !item.failed);
  }

  async #post(item) {
    const { id, text, files, press } = item;
    const token = this.#token;
    const body = JSON.stringify(press ? { id, press } : { id, text, files: files?.map((file) => file.id) });
    const keepalive = body.length < 9_000; // browsers limit what outlives the page
    try {
      await this.#fetch('web/messages', { method: 'POST', body, keepalive, signal: AbortSignal.timeout(PATIENCE) });
    } catch (error) {
      if (!error.final) throw error;
      item.failed = true;
      if (files && error.status === 404) return this.#unknown(item, token);
      return this.#on('mark', id, 'failed');
    }
    this.#resends = 0;
    this.#accepted(id);
    this.#on('mark', id, '');
  }

  /** Files of another session: they go up again from what the page still holds, or the words go without. */
  #unknown(item, token) {
    const { id, text, files } = item;
    if (this.#outbox.get(id) !== item) return; // it went with whoever wrote it
    const again = item.under !== token && this.tray?.again(files);
    if (again) {
      again.then(() => {
        item.under = token;
        this.retry(id);
      }, () => this.#on('mark', id, 'failed'));
    } else {
      delete item.files;
      if (!text) this.#accepted(id);
      this.#on('mark', id, 'lost');
    }
  }

  async #fetch(path, options) {
    const token = this.#token;
    const response = await this.#call(path, options, token);
    if (response.ok) return response;
    if (response.status === 401) this.#expired(token);
    throw failure(response);
  }

  #call(path, { headers, ...options }, token) {
    const sent = { ...headers, ...(token && { Authorization: `Bearer ${token}` }), ...(options.body && { 'Content-Type': 'application/json' }) };
    return fetch(this.#base + path, { ...options, headers: sent, credentials: 'omit', cache: 'no-store' });
  }
}

export const failure = ({ status, headers }) => Object.assign(new Error(status), {
  status,
  after: Number(headers.get('Retry-After')) * 1000,
  final: status >= 400 && status < 500 && !LATER.includes(status),
});

export const delay = ({ status, after }, tries) => (status === 401 && tries < 3 ? 0 : after || pause(tries));

/** Only to clear the screen in time, never to trust. */
const subject = (identity) => {
  try {
    return JSON.parse(atob(identity.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub;
  } catch {
    return identity && '?';
  }
};
