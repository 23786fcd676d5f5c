// The first page: what came in, what became of it, and how fast.
import { get } from './api.js';
import { chart } from './chart.js';
import { linkButton } from './controls.js';
import { fill, h, Keyed, say } from './dom.js';
import { box, emptyState, failureIn } from './notice.js';
import { bytes, count } from './numbers.js';
import { every } from './poll.js';
import { explanation, imbalance, stateBadge } from './status.js';
import { facts, row, table } from './table.js';
import { duration, milliseconds, setTime, time } from './time.js';

const SECONDS = 2;
const HISTORY_SECONDS = 10;

const COLUMNS = [
  { title: 'Destination' }, { title: 'State' }, { title: 'Accepted', kind: 'number' }, { title: 'Written', kind: 'number' },
  { title: 'Ignored', kind: 'number' }, { title: 'Dead-lettered', kind: 'number' }, { title: 'Lost', kind: 'number' }, { title: 'Queued', kind: 'number' },
  { title: 'Lag', kind: 'number' },
];

export function overview(page) {
  const asOf = time(null);
  const alarms = h('div', { role: 'alert', class: 'stack' });
  const tiles = numbers();
  const destinations = destinationTable();
  const problem = h('div');
  const first = h('div');
  const file = fileFacts();
  const picture = chart();
  page.root.append(
    page.title('Overview', h('p', { class: 'as-of' }, 'As of ', asOf)), problem, alarms, first, tiles.element,
    h('section', { class: 'card', 'aria-label': 'The last hour' }, picture.element),
    h('section', { class: 'card' }, h('h2', {}, 'Destinations'), destinations.element),
    h('section', { class: 'card' }, h('h2', {}, 'Server'), file.element));

  every(SECONDS, page.signal, async () => {
    const state = await get('/overview', { signal: page.signal });
    setTime(asOf, state.now);
    showAlarms(alarms, state);
    tiles.update(state);
    destinations.update(state.destinations);
    fill(first, ...nextStep(state));
    file.update(state);
    fill(problem);
  }, failureIn(problem));
  every(HISTORY_SECONDS, page.signal, async () => picture.update(await get('/history', { signal: page.signal })));
}

/** What an operator has to know; only replaced when it differs, so that it is read out once. */
function showAlarms(place, state) {
  const lines = [
    ...state.destinations.map(imbalance).filter(Boolean).map((text) => ['bad', text]),
    ...(state.accepting ? [] : [['bad', `The gateway takes no events. ${sentence(state.journal.reason ?? 'the server\'s log says why')}`]]),
    ...state.destinations.filter((status) => ['waiting', 'retired', 'restoring', 'incomplete'].includes(status.state))
      .map((status) => [status.needs_operator ? 'bad' : 'warn', `${status.name}: ${explanation(status)}`]),
    ...state.destinations.filter((status) => status.dead_letters_outstanding > 0)
      .map((status) => ['bad', `${status.name}: events that its Redis refused for good wait for somebody. `, ['#/dead-letters', 'See the dead letters']]),
    ...state.destinations.filter((status) => status.insecure)
      .map((status) => ['warn', `${status.name}: nobody checks the certificate of this Redis (skip_verify). For trying things only.`]),
  ];
  const print = JSON.stringify(lines);
  if (place.dataset.print === print) return;
  place.dataset.print = print;
  fill(place, ...lines.map(([kind, text, link]) => box(kind, h('p', {}, text, link && h('a', { href: link[0] }, link[1])))));
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Without a source or destination, the way to the first one. */
function nextStep(state) {
  if (state.destinations.length > 0) return [];
  return [emptyState('Nothing to deliver to yet', 'Add a Redis, and users\' traits arrive in it milliseconds after they are sent.',
    linkButton('Add a destination', '#/destinations/add/wizard', 'primary'))];
}

/** The large numbers. */
function numbers() {
  const values = {};
  const tile = (name, title, note) => h('div', { class: 'tile' },
    h('dt', {}, title), h('dd', {}, values[name] = h('span', { class: 'value' }, '–'), h('span', { class: 'note' }, note)));
  const used = h('meter', { min: 0, max: 1, value: 0, 'aria-label': 'Journal: used share of its bound' });
  const journal = tile('journal', 'Journal', '');
  journal.lastElementChild.append(used);
  const bound = journal.querySelector('.note');
  const element = h('dl', { class: 'tiles' },
    tile('accepted', 'Accepted', 'identifies since the start'), tile('ignored', 'Other events', 'accepted, need no delivery'),
    tile('queued', 'Queued', 'not yet delivered, all destinations'), tile('ack', 'Ack latency', 'p50 / p99, event to 200'),
    tile('fresh', 'Freshness', 'p50 / p99, event to Redis'), journal);
  return { element, update: (state) => {
    const { latency } = state;
    say(values.accepted, count(state.accepted));
    say(values.ignored, count(state.ignored));
    say(values.queued, count(state.destinations.reduce((sum, status) => sum + status.queued, 0)));
    say(values.ack, pair(latency.ack_p50_ms, latency.ack_p99_ms));
    say(values.fresh, pair(latency.freshness_p50_ms, latency.freshness_p99_ms));
    say(values.journal, bytes(state.journal.bytes));
    say(bound, `of ${bytes(state.journal.max_bytes)}, ${count(state.journal.records)} records`);
    used.value = state.journal.bytes / state.journal.max_bytes;
  } };
}

function pair(half, most) {
  if (half === null || half === undefined) return '–';
  const [left, right] = [milliseconds(half), milliseconds(most)];
  return `${left.replace(' ms', '')} / ${right}`;
}

/** A row a destination, with the terms of the law. */
function destinationTable() {
  const parts = table('Destinations and the outcomes of their events', COLUMNS);
  const rows = new Keyed(parts.body, (status) => status.id, destinationRow);
  const note = h('p', { class: 'hint' }, 'Accepted = written + ignored + dead-lettered + lost + queued, for each destination, at every moment.');
  return { element: h('div', {}, parts.element, note), update: (all) => rows.show(all) };
}

function destinationRow(first) {
  const link = h('a', { href: `#/destinations/${encodeURIComponent(first.id)}` });
  const state = stateBadge();
  const cells = COLUMNS.slice(2).map(() => h('span', {}, '–'));
  const element = row(COLUMNS, [link, state.element, ...cells]);
  return { element, update: (status) => {
    say(link, status.name);
    state.update(status);
    element.classList.toggle('alarm', !status.balanced);
    const values = [status.accepted, status.written, status.ignored, status.dead_lettered, status.lost, status.queued].map(count);
    [...values, duration(status.lag_seconds)].forEach((value, place) => say(cells[place], value));
  } };
}

/** Where the server runs and what it reads. */
function fileFacts() {
  const [version, gateway, file] = [h('span', {}, '–'), h('span', {}, '–'), h('span', {}, '–')];
  const [started, loaded] = [time(null), time(null)];
  const element = facts([['Version', version], ['Started', started], ['SDKs send to', gateway], ['Configuration', file], ['Read', loaded]], 'wide');
  return { element, update: (state) => {
    say(version, state.version);
    say(gateway, state.gateway_url);
    say(file, state.configuration.path);
    setTime(started, state.started_at);
    setTime(loaded, state.configuration.loaded_at);
  } };
}
