// The launcher. See docs/widget.md.
(() => {
  const script = document.currentScript || document.querySelector('[src*="/widget.js"]');
  if (!script || customElements.get('support-chat')) return;

  const PANEL = '__PANEL__'; // replaced by the server
  const TEXT = {
    en: 'Open chat|Close chat|unread',
    es: 'Abrir chat|Cerrar chat|sin leer',
    de: 'Chat öffnen|Chat schließen|ungelesen',
    fr: 'Ouvrir le chat|Fermer le chat|non lus',
    pt: 'Abrir chat|Fechar chat|não lidas',
    ar: 'فتح المحادثة|إغلاق المحادثة|غير مقروءة',
  };
  const CSS = `
:host{all:initial;color-scheme:light dark;--brand:var(--support-chat-color,#4f46e5);--ink:#fff;position:fixed;z-index:2147483000;
inset-block-end:20px;inset-inline-end:20px;font:15px/1.45 var(--support-chat-font,system-ui,sans-serif)}
@supports (color:color(from red xyz-d65 x y z)){:host{--k:clamp(0,(.1833 - y)*9999,1);
--ink:color(from var(--brand) xyz-d65 calc(.9505*var(--k)) var(--k) calc(1.089*var(--k)))}}
:host([data-position=start]){inset-inline:20px auto}
:host([data-launcher=none]) .launcher{display:none}
.launcher{all:unset;display:grid;place-items:center;position:relative;inline-size:56px;block-size:56px;border-radius:50%;cursor:pointer;
color:var(--ink);background:var(--brand);box-shadow:0 6px 20px #0004;outline:1px solid #0000;transition:.2s}
.launcher:hover{scale:1.06}
.launcher:focus-visible{outline:3px solid light-dark(#111,#fff);outline-offset:3px}
:host([dodge]:not([open])){translate:0 -76px}
:host([busy]) .launcher{opacity:.7}
svg{inline-size:28px;fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
.launcher svg{grid-area:1/1;transition:.2s}
.launcher svg+svg,:host([open]) .launcher svg{opacity:0;rotate:-45deg}
:host([open]) .launcher svg+svg{opacity:1;rotate:none}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-inline-size:10px;padding:0 6px;border-radius:11px;
font:700 12px/22px system-ui;text-align:center;color:#fff;background:#c81e2c}
.badge:empty{display:none}
@media (prefers-reduced-motion){.launcher,.launcher svg{transition:none}}
@media print{:host{display:none}}`;

  const { identity, ...options } = script.dataset;
  const base = new URL('.', script.src).href;
  const key = 'supportchat:' + base;
  const code = (tag) => (tag || '').slice(0, 2).toLowerCase();
  const html = document.documentElement;
  const locale = [options.locale, html.lang, ...navigator.languages].find((tag) => code(tag) in TEXT) || 'en';
  const text = TEXT[code(locale)].split('|');

  const make = (tag, attributes, ...children) => {
    const node = document.createElementNS(`http://www.w3.org/${/svg|path/.test(tag) ? '2000/svg' : '1999/xhtml'}`, tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  const icon = (d) => make('svg', { viewBox: '0 0 24 24', 'aria-hidden': true }, make('path', { d }));
  const emit = (name, detail) => dispatchEvent(new CustomEvent('supportchat:' + name, { detail }));

  customElements.define('support-chat', class extends HTMLElement {});
  const element = make('support-chat', { role: 'region', 'aria-label': 'Chat', lang: locale, dir: code(locale) === 'ar' ? 'rtl' : 'ltr' });
  const flag = (name, on) => element.toggleAttribute(name, on);
  Object.assign(element.dataset, options);
  const root = element.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  const badge = make('span', { class: 'badge', 'aria-hidden': true });
  const button = make('button', { class: 'launcher', part: 'launcher' },
    icon('M12 4c5 0 9 3 9 7s-4 8-9 8l-3-.5L4 21l2-4q-3-2-3-6c0-4 4-7 9-7M8 10h8M8 13h4'), icon('m6 10 6 6 6-6'), badge);
  root.append(button);

  let panel, tries = 0, unread = 0;
  const load = () => {
    if (panel) return;
    flag('busy', true);
    panel = import(new URL((PANEL[0] === '_' ? 'panel.js' : PANEL) + (tries++ ? '?' + tries : ''), script.src))
      .then((module) => module.default(chat))
      .catch(() => {
        panel = null;
        emit('error', { reason: 'load' });
        show(false);
      })
      .finally(() => flag('busy', false));
  };
  const quietly = () => setTimeout(load);
  const tell = (name, text) => panel?.then((it) => it?.[name](text));
  const show = (open) => {
    if (chat.opened === open) return;
    flag('open', (chat.opened = open));
    chat.unread(unread);
    emit(open ? 'open' : 'close');
    if (open) load();
    tell('toggle');
  };
  const chat = { element, root, button, base, key, locale, identity, make, icon, emit, flag, show, opened: false };
  chat.unread = (count) => {
    if (count !== unread) emit('unread', { count });
    badge.textContent = (unread = count) || '';
    button.ariaLabel = text[+chat.opened] + (count ? `, ${count} ${text[2]}` : '');
  };

  chat.covers = (node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return node !== element && document.elementFromPoint(x + width / 2, y + height / 2) === element;
  };

  const stored = () => {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(key));
    } catch {
      return [];
    }
  };
  const commands = {
    open: () => show(true),
    close: () => show(false),
    send(text) {
      show(true);
      return tell('send', text);
    },
    identify(token) {
      chat.identity = token;
      panel ? tell('identify') : quietly();
    },
    reset() {
      chat.identity = null;
      for (const name of stored()) localStorage.removeItem(name);
      tell('reset');
    },
    on: (name, listener) => addEventListener('supportchat:' + name, (event) => listener(event.detail)),
  };
  const queued = window.SupportChat?.q || window.SupportChat || [];
  const run = (window.SupportChat = (name, ...rest) => commands[name]?.(...rest));
  run.push = (command) => run(...command);

  button.onclick = () => show(!chat.opened);
  addEventListener('focusin', () => requestAnimationFrame(() => flag('dodge', chat.covers(document.activeElement)))); // WCAG 2.4.11

  const mount = () => {
    html.append(element);
    new MutationObserver(() => element.isConnected || html.append(element)).observe(html, { childList: true });
    chat.unread(0);
    for (const command of Array.from(queued)) run(...command);
    emit('ready');
    if ('open' in options) show(true);
    else if (chat.identity || stored().length) quietly();
  };
  document.body ? mount() : addEventListener('DOMContentLoaded', mount);
})();
