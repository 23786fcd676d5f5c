// A long list of which the server shows a part: its search, filters, order and pages, which stand in the address.
import { get, query } from './api.js';
import { button } from './controls.js';
import { fill, h, Keyed, say } from './dom.js';
import { choice, text } from './fields.js';
import { failureIn } from './notice.js';
import { count } from './numbers.js';
import { newest } from './poll.js';
import { table } from './table.js';

/** Rows on one page. */
const ROWS = 50;
/** A list that is no longer than this needs no search. */
const SHORT = 10;
const TYPING_MS = 250;
const DIRECTIONS = ['ascending', 'descending'];

/** The list, and what is there in its place while there is nothing in it. */
export class Listing {
  #page;
  #columns;
  #filters;
  #take;
  #rows;
  #search;
  #order;
  #empty;
  #nothing;
  #problem = h('div');
  #shown = h('p', { class: 'hint', role: 'status' });
  #back = button('Previous', () => this.#turn(-1), { kind: 'small' });
  #next = button('Next', () => this.#turn(1), { kind: 'small' });
  #heads = new Map();
  #form;
  #above;
  #table;
  #pages;
  #list;
  #timer = 0;
  #total = 0;

  /**
   * `where` is asked for a part; `take(answer)` gives its rows, each of which has a `key(row)` and is made by `make(row)`.
   * `columns` may have a `sort`, the word that the API knows. `filters` are choices whose names it knows; `nothing` is said
   * when nothing matches, and `empty` is shown when there is nothing at all.
   */
  constructor(page, { title, caption = title, where, columns, take, key, make, empty, filters = [], nothing = 'Nothing is called like this.' }) {
    this.#page = page;
    this.#columns = columns.filter((column) => column.sort);
    this.#filters = filters;
    this.#take = take;
    this.#empty = empty;
    empty.hidden = true;
    this.#nothing = h('p', { class: 'hint', hidden: true }, nothing);
    this.#makeForm(title.toLowerCase());
    this.#above = h('div', { class: 'stack', hidden: true }, this.#form, this.#nothing);
    this.#pages = h('nav', { class: 'toolbar', 'aria-label': 'Pages of the list' }, this.#back, this.#next, this.#shown);
    const { element, body } = table(caption, columns, (column) => this.#head(column));
    this.#table = element;
    this.#rows = new Keyed(body, key, make);
    this.#list = h('section', { class: 'card', 'aria-label': title, hidden: true }, this.#above, this.#table, this.#pages);
    const failed = failureIn(this.#problem);
    const load = newest(page.signal, (signal) => get(`${where}${query(this.#asked)}`, { signal }), (answer) => this.#show(answer));
    /** Shows what the address asks for, or what is wrong. */
    this.load = () => load().catch(failed);
    page.signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
    page.follow = () => {
      clearTimeout(this.#timer);
      this.#search.control.value = page.query.get('search') ?? '';
      this.#read();
      this.load();
    };
    this.#read();
  }

  /** All of it, in order. */
  get elements() {
    return [this.#problem, this.#empty, this.#list];
  }

  #makeForm(label) {
    this.#search = text('search', `Search ${label}`, { type: 'search' });
    this.#search.control.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#go({ search: this.#search.value.trim(), page: '' }, 'replace'), TYPING_MS);
    });
    const orders = this.#columns.flatMap(({ sort, title }) => DIRECTIONS.map((direction) => [`${sort} ${direction}`, `${title}, ${direction}`]));
    this.#order = choice('order', 'Sort by', [['', 'As in the file'], ...orders], { onchange: () => this.#sortBy(...this.#order.value.split(' ')) });
    this.#order.element.classList.add('narrow-only');
    this.#order.hidden = orders.length === 0;
    for (const filter of this.#filters) {
      filter.control.addEventListener('change', () => this.#go({ [filter.name]: filter.value, page: '' }, 'step'));
    }
    this.#form = h('form', { class: 'filters', role: 'search', 'aria-label': label, onsubmit: (event) => event.preventDefault() },
      this.#search.element, this.#filters.map((filter) => filter.element), this.#order.element);
  }

  /** A column's head, which sorts by it. */
  #head(column) {
    if (!column.sort) return column.title;
    const mark = h('span', { 'aria-hidden': 'true', class: 'mark' });
    const element = h('button', { type: 'button', class: 'sort', onclick: () => {
      const { sort, direction } = this.#words;
      this.#sortBy(column.sort, sort === column.sort && direction !== 'descending' ? 'descending' : 'ascending');
    } }, column.title, mark);
    this.#heads.set(column.sort, { element, mark });
    return [element, h('span', { class: 'narrow-only' }, column.title)];
  }

  #show(answer) {
    fill(this.#problem);
    const { total } = answer;
    const rows = this.#take(answer);
    const last = Math.max(1, Math.ceil(total / ROWS));
    if (rows.length === 0 && this.#number > last) {
      this.#go({ page: last > 1 ? last : '' }, 'replace');
      return;
    }
    this.#total = total;
    this.#rows.show(rows);
    const isEmpty = total === 0 && !this.#isSearching;
    this.#list.hidden = isEmpty;
    this.#empty.hidden = !isEmpty;
    this.#table.hidden = total === 0;
    this.#form.hidden = total <= SHORT && !this.#isSearching && this.#filters.length === 0;
    this.#nothing.hidden = total > 0 || !this.#isSearching;
    this.#above.hidden = this.#form.hidden;
    this.#pages.hidden = total <= ROWS;
    const first = (this.#number - 1) * ROWS;
    say(this.#shown, `${count(first + 1)} to ${count(first + rows.length)} of ${count(total)}`);
    this.#back.setAttribute('aria-disabled', String(this.#number === 1));
    this.#next.setAttribute('aria-disabled', String(this.#number === last));
    this.#showOrder();
  }

  #showOrder() {
    const { sort, direction } = this.#words;
    for (const [name, { element, mark }] of this.#heads) {
      const isChosen = name === sort;
      say(mark, isChosen ? (direction === 'descending' ? ' ↓' : ' ↑') : '');
      element.closest('th')?.setAttribute('aria-sort', isChosen ? direction || 'ascending' : 'none');
    }
  }

  /** What the API is asked for. */
  get #asked() {
    const { page, ...words } = this.#words;
    return { ...words, offset: (this.#number - 1) * ROWS || '', limit: ROWS };
  }

  /** Whether only a part of the list is asked for. */
  get #isSearching() {
    const words = this.#words;
    return words.search !== '' || this.#filters.some(({ name }) => words[name] !== '');
  }

  get #words() {
    const words = this.#page.query;
    const names = ['search', 'sort', 'direction', 'page', ...this.#filters.map(({ name }) => name)];
    return Object.fromEntries(names.map((name) => [name, words.get(name) ?? '']));
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
    this.load();
  }

  /** Shows in the fields what the address says, unless somebody is typing there. */
  #read() {
    const { search, sort, direction, ...words } = this.#words;
    for (const { name, control } of this.#filters) control.value = words[name];
    if (document.activeElement !== this.#search.control) this.#search.control.value = search;
    this.#order.control.value = sort ? `${sort} ${direction || 'ascending'}` : '';
  }
}
