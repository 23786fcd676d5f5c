// Events as they happen, with filters; personal values are hidden until revealed.
import { get, query } from './api.js';
import { button, revealButton } from './controls.js';
import { fill, h, say } from './dom.js';
import { EventRow, keyOf } from './event_row.js';
import { choice, text } from './fields.js';
import { box } from './notice.js';
import { plural } from './numbers.js';
import { MOST, showState, Tail } from './tail.js';

const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'merge'];
const OUTCOMES = [['written', 'Written'], ['ignored', 'Ignored'], ['dead_lettered', 'Dead-lettered'], ['accepted', 'Accepted']];
const TYPING_MS = 300;
const REFUSED = 'Kenwell did not open the stream. Sixteen pages and programs can watch at a time: close one that is not needed, and try again.';

export async function live(page) {
  const list = new List();
  const stream = streamControls(page.signal, list);
  const filters = h('form', { class: 'filters', 'aria-label': 'Filters', onsubmit: (event) => event.preventDefault() });
  const reveal = revealButton((isMasked) => list.mask(isMasked));
  const clear = button('Clear', () => list.clear(), { kind: 'quiet' });
  page.root.append(page.title('Live events', stream.state, stream.again), filters,
    h('div', { class: 'toolbar sticky' }, stream.pause, reveal, clear, stream.note), list.element);
  const [{ sources }, { destinations }] = await Promise.all([
    get('/sources', { signal: page.signal }), get('/destinations', { signal: page.signal }),
  ]);
  const fields = filterFields(sources, destinations, page.query);
  filters.append(...fields.map((field) => field.element));
  const given = () => Object.fromEntries(fields.map((field) => [field.name, field.value.trim()]));
  let timer = 0;
  const open = () => {
    clearTimeout(timer);
    const values = given();
    list.known = values.user;
    stream.open(values);
  };
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
    for (const field of fields) field.value = page.query.get(field.name) ?? '';
    open();
  };
  open();
}

/** The stream that fills `list`: how it is doing, and what can be done with it. */
function streamControls(signal, list) {
  const state = h('span', { class: 'badge plain', role: 'status' }, '');
  const note = h('p', { class: 'hint reserved', role: 'status' }, '');
  let word = 'connecting';
  let asked = {};
  let isPaused = false;
  let lost = 0;
  const tell = () => {
    showState(state, isPaused && word === 'open' ? 'paused' : word);
    again.hidden = word !== 'refused';
    if (word === 'refused') say(note, REFUSED);
  };
  const tail = new Tail(signal, {
    show: (events) => list.add(events),
    state: (next) => {
      word = next;
      tell();
    },
    dropped: (number) => { lost += number; say(note, `${plural(lost, 'event')} came too fast to be shown. Filters help.`); },
    waiting: (number) => say(pause, number > 0 ? `Resume (${number} new)` : isPaused ? 'Resume' : 'Pause'),
  });
  const open = (values) => {
    asked = values;
    lost = 0;
    say(note, '');
    list.clear();
    tail.open(`/api/v1/events${query(asked)}`);
  };
  const again = button('Try again', () => open(asked), { kind: 'small', hidden: true });
  const pause = button('Pause', () => {
    isPaused = !isPaused;
    say(pause, isPaused ? 'Resume' : 'Pause');
    tail.paused = isPaused;
    tell();
  }, { class: 'button steady' });
  return { state, note, again, pause, open };
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
