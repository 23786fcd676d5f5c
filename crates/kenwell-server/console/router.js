// Which page the address names, and the life of the page that is shown.
import { query } from './api.js';
import { button } from './controls.js';
import { fill, h, say } from './dom.js';
import { errorBox } from './notice.js';
import { forgetUnsaved, mayLeave } from './unsaved.js';

/** A page that is not there by then says that it is loading. */
const PATIENCE_MS = 300;

/**
 * What a page gets: its place, its words from the address, and a signal that ends everything it started. A page that sets
 * `follow` is told of other words in its address, as Back brings them; any other page is then built anew.
 */
class Page {
  #heading;
  #entries;
  #first;
  follow = null;

  constructor(root, where, parameters, words, entries, signal) {
    this.root = root;
    this.where = where;
    this.parameters = parameters;
    this.query = words;
    this.signal = signal;
    this.#entries = entries;
    this.#first = entries.place;
  }

  /** The page's heading, with what belongs beside it; also names the document. */
  title(text, ...beside) {
    this.#heading = h('h1', { tabindex: '-1' });
    this.rename(text);
    return h('div', { class: 'heading' }, this.#heading, beside.length ? h('div', { class: 'actions' }, beside) : null);
  }

  /** Gives the page the name that its heading has only once its answer is there. */
  rename(text) {
    if (this.signal.aborted) return;
    document.title = `${text} · Kenwell`;
    say(this.#heading, text);
  }

  focus() {
    this.#heading?.focus({ preventScroll: true });
  }

  /** Puts `values` into the address as a step that Back undoes. */
  step(values) {
    this.#say(values, 'push');
  }

  /** Puts `values` into the address in place of what stands there. */
  replace(values) {
    this.#say(values, 'replace');
  }

  /** Goes to the step before, or to `values` when the page began with this one. */
  back(values) {
    if (this.#entries.place > this.#first) {
      history.back();
      return;
    }
    this.replace(values);
    this.follow();
  }

  /**
   * Goes on to another page without asking, because what this one was about is done or gone. Whoever has left meanwhile stays
   * where they are.
   */
  leaveFor(hash) {
    if (this.signal.aborted) return;
    forgetUnsaved();
    location.hash = hash;
  }

  #say(values, how) {
    // An answer that comes late does not change the address of another page.
    if (this.signal.aborted) return;
    const words = query(values);
    const before = sorted(this.query);
    this.query = new URLSearchParams(words);
    if (sorted(this.query) !== before) this.#entries[how](`#${this.where}${words}`);
  }
}

/** Words in one order and spelling, to be compared. */
function sorted(words) {
  const copy = new URLSearchParams(words);
  copy.sort();
  return copy.toString();
}

/** The entries of this tab's history, numbered, so that a step away can be taken back. */
class Entries {
  place = 0;

  constructor() {
    this.arrive(0);
  }

  /** Notes the entry that is shown now; one without a number is the next one. */
  arrive(next = this.place + 1) {
    this.place = history.state?.place ?? next;
    history.replaceState({ place: this.place }, '');
  }

  push(hash) {
    this.place += 1;
    history.pushState({ place: this.place }, '', hash);
  }

  replace(hash) {
    history.replaceState({ place: this.place }, '', hash);
  }

  /** Back to the entry that was left; says whether that is another one than is shown. */
  undo() {
    const way = this.place - (history.state?.place ?? this.place + 1);
    if (way !== 0) history.go(way);
    return way !== 0;
  }
}

/** Shows the page of the address, and leaves the one before. */
export class Router {
  #routes;
  #place;
  #entries = new Entries();
  #leave = null;
  #page = null;
  #isFirst = true;
  #isAsking = false;
  #isReturning = false;

  /** `routes`: patterns such as `/sources/:id` with the function that fills the page. */
  constructor(place, routes) {
    this.#place = place;
    this.#routes = Object.entries(routes).map(([pattern, show]) => ({ parts: pattern.split('/').slice(1), show }));
  }

  start() {
    window.addEventListener('hashchange', () => this.#arrive());
    this.#go();
  }

  /** Another address: the page that is shown follows it, or is left for another one, unless somebody wants to stay. */
  async #arrive() {
    if (this.#isReturning || this.#isAsking) {
      this.#isReturning = false;
      return;
    }
    const [where, words] = address();
    if (this.#page?.follow && this.#page.where === where) {
      this.#entries.arrive();
      this.#page.query = new URLSearchParams(words);
      this.#page.follow();
      return;
    }
    this.#isAsking = true;
    const isFree = await mayLeave();
    this.#isAsking = false;
    if (!isFree) {
      this.#isReturning = this.#entries.undo();
      return;
    }
    this.#entries.arrive();
    await this.#go();
  }

  async #go() {
    const [where, words] = address();
    const found = this.#find(where);
    if (!found) {
      this.#entries.replace('#/overview');
      await this.#go();
      return;
    }
    this.#leave?.abort();
    this.#leave = new AbortController();
    const root = h('div', { class: 'page' });
    const page = new Page(root, where, found.parameters, new URLSearchParams(words), this.#entries, this.#leave.signal);
    this.#page = page;
    fill(this.#place, root);
    markCurrent(found.section);
    window.scrollTo(0, 0);
    await this.#show(found.show, page);
  }

  async #show(show, page) {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const waiting = h('p', { class: 'hint loading', role: 'status' }, 'Loading…');
    const timer = setTimeout(() => page.root.append(waiting), PATIENCE_MS);
    try {
      const shown = show(page);
      if (!isFirst) page.focus();
      await shown;
      if (!isFirst && !page.signal.aborted && document.activeElement === document.body) page.focus();
    } catch (error) {
      if (page.signal.aborted) return;
      page.root.append(errorBox(error), h('div', { class: 'actions' }, button('Try again', () => this.#go(), { kind: 'small' })));
    } finally {
      clearTimeout(timer);
      waiting.remove();
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

/** The page that the address names, and its words: all behind the first question mark. */
function address() {
  const [where, ...words] = location.hash.slice(1).split('?');
  return [where, words.join('?')];
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
