// The first page: what came in, what became of it, and how fast.
import { get, path, query } from './api.js';
import { chart, RANGES } from './chart.js';
import { linkButton } from './controls.js';
import { fill, h, Keyed, refill, say } from './dom.js';
import { flowOf, flowPicture } from './flow.js';
import { box, emptyState, failureIn } from './notice.js';
import { bytes, count } from './numbers.js';
import { every, newest } from './poll.js';
import { explanation, imbalance, isInTrouble, stateBadge } from './status.js';
import { facts, row, table } from './table.js';
import { duration, milliseconds, setTime, time } from './time.js';

const SECONDS = 2;
const HISTORY_SECONDS = 10;
/** The sources are looked at so many times less often. */
const FLOW_LOOKS = 3;
/** How far back the chart looks unless somebody asks for more. */
const USUAL = 'hour';
/** Destinations in the table; the page of destinations has them all. */
const ROWS = 25;
/** Alarms that are told one by one. */
const ALARMS = 10;

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
  const flow = flowPicture();
  const range = () => (Object.hasOwn(RANGES, page.query.get('range') ?? '') ? page.query.get('range') : USUAL);
  const broken = h('div');
  const picture = chart((next) => {
    page.step({ range: next === USUAL ? '' : next });
    drawRange();
  }, page.signal);
  const draw = newest(page.signal, async (signal) => {
    const asked = range();
    return [await get(`/history${query({ range: asked })}`, { signal }), asked];
  }, ([history, asked]) => {
    fill(broken);
    picture.update(history, asked);
  });
  const drawRange = () => draw().catch(failureIn(broken));
  page.follow = drawRange;
  page.root.append(
    page.title('Overview', h('p', { class: 'as-of' }, 'As of ', asOf)), problem, alarms, first, tiles.element, broken,
    h('section', { class: 'card', 'aria-label': 'Events over time' }, picture.element),
    flow.element,
    h('section', { class: 'card' }, h('h2', {}, 'Destinations'), destinations.element),
    h('section', { class: 'card' }, h('h2', {}, 'Server'), file.element));

  let looks = 0;
  const shown = every(SECONDS, page.signal, async () => {
    const state = await get('/overview', { signal: page.signal });
    setTime(asOf, state.now);
    showAlarms(alarms, state);
    tiles.update(state);
    destinations.update(state.destinations);
    refill(first, ...nextStep(state));
    file.update(state);
    fill(problem);
    if (looks % FLOW_LOOKS === 0) flow.update(await flowOf(state.destinations, page.signal));
    looks += 1;
  }, failureIn(problem));
  every(HISTORY_SECONDS, page.signal, drawRange);
  return shown;
}

/** What an operator has to know, the worst first. */
function showAlarms(place, state) {
  const all = [
    ...state.destinations.map(imbalance).filter(Boolean).map((text) => ['bad', text]),
    ...(state.accepting ? [] : [['bad', `The gateway takes no events. ${sentence(state.journal.reason ?? 'the server\'s log says why')}`]]),
    ...state.destinations.filter(isInTrouble)
      .map((status) => [status.needs_operator ? 'bad' : 'warn', `${status.name}: ${explanation(status)} `,
        [addressOf(status), status.state === 'retired' ? 'See what waits' : 'Open it']]),
    ...state.destinations.filter((status) => status.dead_letters_outstanding > 0)
      .map((status) => ['bad', `${status.name}: events that its Redis refused for good wait for somebody. `, ['#/dead-letters', 'See the dead letters']]),
    ...state.destinations.filter((status) => status.insecure)
      .map((status) => ['warn', `${status.name}: nobody checks the certificate of this Redis (skip_verify). For trying things only.`]),
  ];
  const rank = ([kind]) => (kind === 'bad' ? 0 : 1);
  const lines = all.toSorted((one, other) => rank(one) - rank(other)).slice(0, ALARMS);
  if (all.length > ALARMS) lines.push(['warn', `${count(all.length - ALARMS)} more: `, ['#/destinations', 'all destinations']]);
  refill(place, ...lines.map(([kind, text, link]) => box(kind, h('p', {}, text, link && h('a', { href: link[0] }, link[1])))));
}

/** Where a destination is shown; one that is not configured any more has no page of its own. */
const addressOf = (status) => `#/destinations${status.state === 'retired' ? '' : path(status.id)}`;

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
  const more = h('p', { class: 'hint', hidden: true });
  return { element: h('div', {}, parts.element, more, note), update: (all) => {
    rows.show(all.length > ROWS ? foremost(all).slice(0, ROWS) : all);
    more.hidden = all.length <= ROWS;
    if (!more.hidden) fill(more, `${count(all.length - ROWS)} more: `, h('a', { href: '#/destinations' }, 'all destinations'));
  } };
}

/** Those that somebody has to look at first, then those with most to do. */
function foremost(all) {
  const rank = (status) => [!status.balanced, isInTrouble(status), status.queued];
  return all.toSorted((one, other) => {
    const [left, right] = [rank(one), rank(other)];
    const place = left.findIndex((value, at) => value !== right[at]);
    return place < 0 ? 0 : Number(right[place]) - Number(left[place]);
  });
}

function destinationRow(first) {
  const link = h('a');
  const state = stateBadge();
  const cells = COLUMNS.slice(2).map(() => h('span', {}, '–'));
  const element = row(COLUMNS, [link, state.element, ...cells]);
  return { element, update: (status) => {
    say(link, status.name).setAttribute('href', addressOf(status));
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
