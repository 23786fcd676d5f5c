// The search, the order and the pages of a long list; they stand in the address, and the server does the work.
import { button } from './controls.js';
import { h, say } from './dom.js';
import { choice, text } from './fields.js';
import { count } from './numbers.js';

/** Rows on one page. */
const ROWS = 50;
/** A list that is no longer than this needs no search. */
const SHORT = 10;
const TYPING_MS = 250;
const DIRECTIONS = ['ascending', 'descending'];

/** What belongs around a table whose rows the server chooses. `columns` may have a `sort`, the word that the API knows. */
export class Listing {
  #page;
  #columns;
  #load;
  #search;
  #order;
  #shown = h('p', { class: 'hint', role: 'status' });
  #nothing = h('p', { class: 'hint', hidden: true }, 'Nothing is called like this.');
  #back = button('Previous', () => this.#turn(-1), { kind: 'small' });
  #next = button('Next', () => this.#turn(1), { kind: 'small' });
  #heads = new Map();
  #form;
  #above;
  #pages;
  #timer = 0;
  #total = 0;

  /** `load()` shows what `words` ask for. */
  constructor(page, label, columns, load) {
    this.#page = page;
    this.#load = load;
    this.#columns = columns.filter((column) => column.sort);
    this.#search = text('search', `Search ${label}`, { type: 'search' });
    const orders = this.#columns.flatMap(({ sort, title }) => DIRECTIONS.map((direction) => [`${sort} ${direction}`, `${title}, ${direction}`]));
    this.#order = choice('order', 'Sort by', [['', 'As in the file'], ...orders]);
    this.#order.element.classList.add('narrow-only');
    this.#form = h('form', { class: 'filters', role: 'search', 'aria-label': label, onsubmit: (event) => event.preventDefault() },
      this.#search.element, this.#order.element);
    this.#above = h('div', { class: 'stack', hidden: true }, this.#form, this.#nothing);
    this.#pages = h('nav', { class: 'toolbar', 'aria-label': 'Pages of the list' }, this.#back, this.#next, this.#shown);
    this.#search.control.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#go({ search: this.#search.value.trim(), page: '' }, 'replace'), TYPING_MS);
    });
    this.#order.control.addEventListener('change', () => this.#sortBy(...this.#order.value.split(' ')));
    page.signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
    page.follow = () => {
      this.#read();
      this.#load().catch(() => {});
    };
    this.#read();
  }

  /** The search, to stand above the table. */
  get above() {
    return this.#above;
  }

  /** The pages, to stand below it. */
  get below() {
    return this.#pages;
  }

  /** What the API is asked for. */
  get asked() {
    const { search, sort, direction } = this.#words;
    return { search, sort, direction, offset: (this.#number - 1) * ROWS || '', limit: ROWS };
  }

  /** A column's head, which sorts by it. */
  head(column) {
    if (!column.sort) return column.title;
    const mark = h('span', { 'aria-hidden': 'true', class: 'mark' });
    const element = h('button', { type: 'button', class: 'sort', onclick: () => {
      const { sort, direction } = this.#words;
      this.#sortBy(column.sort, sort === column.sort && direction !== 'descending' ? 'descending' : 'ascending');
    } }, column.title, mark);
    this.#heads.set(column.sort, { element, mark });
    return [element, h('span', { class: 'narrow-only' }, column.title)];
  }

  /** Shows how many there are; says whether this page is there at all. */
  update(total, rows) {
    this.#total = total;
    const last = Math.max(1, Math.ceil(total / ROWS));
    if (rows === 0 && this.#number > last) {
      this.#go({ page: last > 1 ? last : '' }, 'replace');
      return;
    }
    const { search, sort, direction } = this.#words;
    this.#form.hidden = total <= SHORT && search === '';
    this.#nothing.hidden = total > 0 || search === '';
    this.#above.hidden = this.#form.hidden;
    this.#pages.hidden = total <= ROWS;
    const first = (this.#number - 1) * ROWS;
    say(this.#shown, `${count(first + 1)} to ${count(first + rows)} of ${count(total)}`);
    this.#back.setAttribute('aria-disabled', String(this.#number === 1));
    this.#next.setAttribute('aria-disabled', String(this.#number === last));
    for (const [name, { element, mark }] of this.#heads) {
      const isChosen = name === sort;
      say(mark, isChosen ? (direction === 'descending' ? ' ↓' : ' ↑') : '');
      element.closest('th')?.setAttribute('aria-sort', isChosen ? direction || 'ascending' : 'none');
    }
  }

  get isSearching() {
    return this.#words.search !== '';
  }

  get #words() {
    const words = this.#page.query;
    return Object.fromEntries(['search', 'sort', 'direction', 'page'].map((name) => [name, words.get(name) ?? '']));
  }

  get #number() {
    return Math.max(1, Number.parseInt(this.#words.page, 10) || 1);
  }

  #sortBy(sort = '', direction = '') {
    this.#go({ sort, direction: direction === 'ascending' ? '' : direction, page: '' }, 'step');
  }

  #turn(way) {
    const number = this.#number + way;
    if (number < 1 || number > Math.ceil(this.#total / ROWS)) return;
    this.#go({ page: number > 1 ? number : '' }, 'step');
  }

  #go(changed, how) {
    this.#page[how]({ ...this.#words, ...changed });
    this.#read();
    this.#load().catch(() => {});
  }

  /** Shows in the fields what the address says, unless somebody is typing there. */
  #read() {
    const { search, sort, direction } = this.#words;
    if (document.activeElement !== this.#search.control) this.#search.control.value = search;
    this.#order.control.value = sort ? `${sort} ${direction || 'ascending'}` : '';
  }
}
