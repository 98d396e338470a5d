// The server's JSON tree becomes nodes; text is only ever text.

const TAGS = {
  p: 'p', strong: 'strong', em: 'em', code: 'code', pre: 'pre', a: 'a', ul: 'ul', ol: 'ol', li: 'li', quote: 'blockquote',
  table: 'table', tr: 'tr', th: 'th', td: 'td', br: 'br', h: 'h3', s: 's', hr: 'hr',
};
const DEEPEST = 24;

const target = (href) => {
  try {
    const url = new URL(href);
    return /^(https|mailto|tel):$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
};

/** A link that names another host names its own. */
const honest = (link, { hostname, href }) => {
  if (hostname && /[\w-]\.[a-z]{2}/i.test(link.textContent) && !link.textContent.includes(hostname)) link.textContent = hostname;
  return Object.assign(link, { href, rel: 'noopener nofollow ugc', target: '_blank' });
};

const element = (node, children) => {
  const url = node.t === 'a' && target(node.href);
  const tag = node.t === 'a' && !url ? 'span' : TAGS[node.t];
  const made = document.createElement(tag);
  made.append(...children);
  if (tag === 'code' || tag === 'pre') made.dir = 'ltr';
  if (tag === 'table') return scroller(made);
  return url ? honest(made, url) : made;
};

const scroller = (table) => {
  const box = document.createElement('div');
  box.className = 'wide';
  box.tabIndex = 0;
  box.append(table);
  return box;
};

/** Nodes of a list of tree nodes; an unknown type leaves its text. */
export const render = (nodes, depth = 0) => [nodes ?? []].flat().flatMap((node) => {
  if (node === null || typeof node !== 'object') return [String(node ?? '')];
  const children = depth < DEEPEST ? render(node.c, depth + 1) : [];
  return Object.hasOwn(TAGS, node.t) ? [element(node, children)] : children;
});
