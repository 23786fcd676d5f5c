// Events as they happen, with filters; personal values are hidden until revealed.
import { get, query } from './api.js';
import { changesSentence, changesText } from './changes.js';
import { button, linkButton, revealButton } from './controls.js';
import { fill, h, say } from './dom.js';
import { choice, text } from './fields.js';
import { box } from './notice.js';
import { plural } from './numbers.js';
import { commandText, HIDDEN, jsonText, userText } from './personal.js';
import { outcomeBadge } from './status.js';
import { MOST, Tail } from './tail.js';
import { time } from './time.js';

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
    h('div', { class: 'toolbar' }, pause, reveal, clear, note), list.element);

  const [{ sources }, { destinations }] = await Promise.all([
    get('/sources', { signal: page.signal }), get('/destinations', { signal: page.signal }),
  ]);
  const fields = filterFields(sources, destinations, page.query);
  filters.append(...fields.map((field) => field.element));
  let timer = 0;
  page.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  filters.addEventListener('input', (event) => {
    clearTimeout(timer);
    timer = setTimeout(open, event.target.tagName === 'SELECT' ? 0 : TYPING_MS);
  });
  function open() {
    const values = Object.fromEntries(fields.map((field) => [field.name, field.value.trim()]));
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

/** The newest events, at most so many. */
class List {
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
    const rows = events.slice(0, MOST).map((seen) => eventRow(seen, this.#view));
    this.#list.prepend(...rows.map((row) => row.element));
    this.#rows.unshift(...rows);
    for (const row of this.#rows.splice(MOST)) row.element.remove();
    this.#empty.hidden = true;
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
}

/** One event: a line, and inside it the event, the reason and the command. `view` is `{ masked, known }`; `mask(view)` changes what is hidden. */
function eventRow(seen, view) {
  const user = h('span', { class: 'user' });
  const body = h('div', { class: 'body' });
  const details = h('details', { ontoggle: () => { if (details.open) show(); } },
    h('summary', {},
      h('span', { class: 'at' }, time(seen.at)), outcomeBadge(seen.outcome), h('span', { class: 'kind' }, seen.type),
      user, h('span', { class: 'route' }, route(seen))), body);
  let now = view;
  const mask = (next) => {
    now = next;
    say(user, userText(seen.user_id, now));
    if (details.open) show();
  };
  function show() {
    fill(body, ...contents(seen, now));
  }
  mask(view);
  return { element: h('li', { class: 'event' }, details), mask };
}

const route = (seen) => (seen.destination ? `${seen.source} → ${seen.destination}` : seen.source);

/** Why, what would be typed in Redis, and the event itself. */
function contents(seen, view) {
  const { masked } = view;
  return [
    h('p', {}, explain(seen)),
    seen.fields ? part('Fields', changesText(seen.fields) || 'none') : null,
    seen.command ? part('Redis command', commandText(seen.command, view)) : null,
    part('Event', jsonText(seen.event, view)),
    masked ? h('p', { class: 'hint' }, `${HIDDEN} stands for a personal value; "Show personal values" above shows them.`)
      : seen.user_id !== null && seen.destination
        ? linkButton('Open profile', `#/profiles?destination=${encodeURIComponent(seen.destination)}&user=${encodeURIComponent(seen.user_id)}`, 'quiet small')
        : null,
  ];
}

function part(title, content) {
  return h('div', {}, h('h3', {}, title), h('pre', { tabindex: '0', role: 'region', 'aria-label': title }, h('code', {}, content)));
}

function explain(seen) {
  if (seen.reason) return seen.reason;
  switch (seen.outcome) {
    case 'written': return changesSentence(seen.fields);
    case 'accepted': return 'On disk; on its way to the destinations.';
    case 'dead_lettered': return 'Redis refused it for good.';
    default: return 'It has nothing to write.';
  }
}
