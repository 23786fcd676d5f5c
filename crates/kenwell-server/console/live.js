// Events as they happen, with filters; personal values are hidden until revealed.
import { get, query } from './api.js';
import { button, revealButton } from './controls.js';
import { fill, h, say } from './dom.js';
import { EventRow, keyOf } from './event_row.js';
import { choice, text } from './fields.js';
import { box } from './notice.js';
import { plural } from './numbers.js';
import { MOST, Tail } from './tail.js';

const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'merge'];
const OUTCOMES = [['written', 'Written'], ['ignored', 'Ignored'], ['dead_lettered', 'Dead-lettered'], ['accepted', 'Accepted']];
const TYPING_MS = 300;
const WORDS = {
  connecting: ['Connecting…', 'warn'], open: ['Watching', 'good'], paused: ['Paused', 'warn'],
  refused: ['Not connected', 'bad'],
};

export async function live(page) {
  const list = new List();
  const state = h('span', { class: 'badge plain', role: 'status' }, '');
  const note = h('p', { class: 'hint reserved', role: 'status' }, '');
  let word = 'connecting';
  let isPaused = false;
  const showState = () => {
    const [title, kind] = WORDS[isPaused && word === 'open' ? 'paused' : word];
    say(state, title).className = `badge ${kind}`;
    again.hidden = word !== 'refused';
  };
  let lost = 0;
  const tail = new Tail(page.signal, {
    show: (events) => list.add(events),
    state: (next) => {
      word = next;
      showState();
      // A stream cannot say that the session has ended; this call finds out.
      if (next === 'refused') get('/session', { signal: page.signal }).catch(() => {});
    },
    dropped: (number) => { lost += number; say(note, `${plural(lost, 'event')} came too fast to be shown. Filters help.`); },
    waiting: (number) => say(pause, number > 0 ? `Resume (${number} new)` : isPaused ? 'Resume' : 'Pause'),
  });
  const again = button('Try again', () => open(), { kind: 'small' });
  const pause = button('Pause', () => {
    isPaused = !isPaused;
    say(pause, isPaused ? 'Resume' : 'Pause');
    tail.paused = isPaused;
    showState();
  }, { class: 'button steady' });
  const reveal = revealButton((isMasked) => list.mask(isMasked));
  const clear = button('Clear', () => list.clear(), { kind: 'quiet' });

  const filters = h('form', { class: 'filters', 'aria-label': 'Filters', onsubmit: (event) => event.preventDefault() });
  page.root.append(page.title('Live events', state, again), filters,
    h('div', { class: 'toolbar sticky' }, pause, reveal, clear, note), list.element);

  const [{ sources }, { destinations }] = await Promise.all([
    get('/sources', { signal: page.signal }), get('/destinations', { signal: page.signal }),
  ]);
  const fields = filterFields(sources, destinations, page.query);
  const given = () => Object.fromEntries(fields.map((field) => [field.name, field.value.trim()]));
  filters.append(...fields.map((field) => field.element));
  let timer = 0;
  page.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  filters.addEventListener('input', (event) => {
    const isChosen = event.target.tagName === 'SELECT';
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (isChosen) page.step(given());
      else page.replace(given());
      open();
    }, isChosen ? 0 : TYPING_MS);
  });
  page.follow = () => {
    clearTimeout(timer);
    for (const field of fields) field.control.value = page.query.get(field.name) ?? '';
    open();
  };
  function open() {
    const values = given();
    list.known = values.user;
    list.clear();
    lost = 0;
    say(note, '');
    tail.open(`/api/v1/events${query(values)}`);
  }
  open();
}

function filterFields(sources, destinations, words) {
  const any = (title, options) => [['', title], ...options];
  const named = (all) => all.map((one) => [one.id, one.name]);
  return [
    choice('source', 'Source', any('All sources', named(sources)), { value: words.get('source') ?? '' }),
    choice('destination', 'Destination', any('All destinations', named(destinations)), { value: words.get('destination') ?? '' }),
    choice('type', 'Type', any('All types', TYPES.map((type) => [type, type])), { value: words.get('type') ?? '' }),
    choice('outcome', 'Outcome', any('All outcomes', OUTCOMES), { value: words.get('outcome') ?? '' }),
    text('user', 'User id', { value: words.get('user') ?? '', placeholder: 'any user' }),
  ];
}

/** The newest events, at most so many. What happens to one event at its destinations is one row. */
class List {
  /** Newest first. */
  #rows = [];
  #list = h('ol', { class: 'events', 'aria-label': 'Events, newest first' });
  #empty = box('plain', h('p', {}, 'Waiting for events. They show up here the moment they arrive; nothing is kept from before. '
    + 'To see one now, send a test event from a source\'s page.'));
  /** The user whom the reader has asked for, and therefore knows. */
  known = '';
  #masked = true;

  constructor() {
    this.element = h('section', { 'aria-label': 'Events' }, this.#empty, this.#list);
  }

  get #view() {
    return { masked: this.#masked, known: this.known };
  }

  /** `events`: newest first. */
  add(events) {
    this.#empty.hidden = true;
    this.#steady(() => {
      const added = [];
      for (const seen of events.toReversed()) {
        const key = keyOf(seen);
        const row = [...added, ...this.#rows].find((one) => one.key === key && one.takes(seen));
        if (row) row.add(seen);
        else added.unshift(new EventRow(key, seen, this.#view));
      }
      this.#list.prepend(...added.map((row) => row.element));
      this.#rows.unshift(...added);
      this.#forget();
    });
  }

  mask(isMasked) {
    this.#masked = isMasked;
    for (const row of this.#rows) row.mask(this.#view);
  }

  clear() {
    this.#rows = [];
    fill(this.#list);
    this.#empty.hidden = false;
  }

  /** The oldest give way; those that somebody reads are the last to go. */
  #forget() {
    for (const isAsked of [(row) => !row.isRead, () => true]) {
      for (let place = this.#rows.length - 1; place >= 0 && this.#rows.length > MOST; place -= 1) {
        if (isAsked(this.#rows[place])) this.#rows.splice(place, 1)[0].element.remove();
      }
    }
  }

  /** What somebody reads, an open event or a place further down, stays where it is on the screen. */
  #steady(change) {
    const isScrolled = this.#list.getBoundingClientRect().top < 0;
    const isSeen = (row) => row.top >= 0 && row.top < window.innerHeight;
    const anchor = this.#rows.find((row) => row.isRead && isSeen(row)) ?? (isScrolled ? this.#rows.find(isSeen) : null);
    const before = anchor?.top;
    change();
    if (anchor?.element.isConnected) window.scrollBy(0, anchor.top - before);
  }
}
