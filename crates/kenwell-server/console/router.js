// Which page the address names, and the life of the page that is shown.
import { fill, h } from './dom.js';
import { errorBox } from './notice.js';

/** What a page gets: its place, its words from the address, and a signal that ends everything it started. */
class Page {
  #heading;

  constructor(root, parameters, words, signal) {
    this.root = root;
    this.parameters = parameters;
    this.query = words;
    this.signal = signal;
  }

  /** The page's heading, with what belongs beside it; also names the document. */
  title(text, ...beside) {
    document.title = `${text} · Kenwell`;
    this.#heading = h('h1', { tabindex: '-1' }, text);
    return h('div', { class: 'heading' }, this.#heading, beside.length ? h('div', { class: 'actions' }, beside) : null);
  }

  focus() {
    this.#heading?.focus({ preventScroll: true });
  }
}

/** Shows the page of the address, and leaves the one before. */
export class Router {
  #routes;
  #place;
  #leave = null;
  #isFirst = true;

  /** `routes`: patterns such as `/sources/:id` with the function that fills the page. */
  constructor(place, routes) {
    this.#place = place;
    this.#routes = Object.entries(routes).map(([pattern, show]) => ({ parts: pattern.split('/').slice(1), show }));
  }

  start() {
    window.addEventListener('hashchange', () => this.#go());
    this.#go();
  }

  async #go() {
    const [where, words = ''] = location.hash.slice(1).split('?');
    const found = this.#find(where);
    if (!found) {
      location.replace('#/overview');
      return;
    }
    this.#leave?.abort();
    this.#leave = new AbortController();
    const root = h('div', { class: 'page' });
    const page = new Page(root, found.parameters, new URLSearchParams(words), this.#leave.signal);
    fill(this.#place, root);
    markCurrent(found.section);
    window.scrollTo(0, 0);
    await this.#show(found.show, page);
  }

  async #show(show, page) {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    try {
      const shown = show(page);
      if (!isFirst) page.focus();
      await shown;
      if (!isFirst && !page.signal.aborted && document.activeElement === document.body) page.focus();
    } catch (error) {
      if (page.signal.aborted) return;
      page.root.append(errorBox(error));
    }
  }

  #find(where) {
    const parts = where.split('/').slice(1);
    for (const route of this.#routes) {
      const parameters = match(route.parts, parts);
      if (parameters) return { show: route.show, parameters, section: parts[0] };
    }
    return null;
  }
}

function match(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const parameters = {};
  for (const [place, part] of pattern.entries()) {
    if (part.startsWith(':')) parameters[part.slice(1)] = decode(parts[place]);
    else if (part !== parts[place]) return null;
  }
  return parameters;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function markCurrent(section) {
  for (const link of document.querySelectorAll('#navigation nav a')) {
    if (link.getAttribute('href') === `#/${section}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
