// From sources to destinations, as a picture: two lists, and lines between them.
import { get, query } from './api.js';
import { fill, h, Keyed, s, say } from './dom.js';
import { count } from './numbers.js';
import { isInTrouble, stateBadge, stateKind } from './status.js';

/** The most boxes on one side; those that matter most are shown. */
const MOST = 10;
/** The height of a box with the gap below it, and of the gap, in rem; `pages.css` has the same. */
const STEP = 4;
const GAP = 0.5;
/** The width of the picture of the lines, which is stretched. */
const WIDTH = 100;

/** What the picture shows: the sources that send most, and where that goes. `statuses`: of the destinations. */
export async function flowOf(statuses, signal) {
  const { sources, total } = await get(`/sources${query({ sort: 'accepted', direction: 'descending', limit: MOST })}`, { signal });
  const fed = new Set(sources.flatMap((one) => one.destinations));
  const rank = (one) => (isInTrouble(one) ? 2 : 0) + (fed.has(one.id) ? 1 : 0);
  const configured = statuses.filter((one) => one.state !== 'retired');
  const destinations = configured.toSorted((one, other) => rank(other) - rank(one)).slice(0, MOST);
  return { sources, moreSources: total - sources.length, destinations, moreDestinations: configured.length - destinations.length };
}

/** The picture; `update(flow)` draws it. It is only there while there is something on both sides. */
export function flowPicture() {
  const sources = side('Sources', '#/sources', sourceBox);
  const destinations = side('Destinations', '#/destinations', destinationBox);
  const between = s('svg', { class: 'flow-lines', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'From sources to destinations'),
    h('div', { class: 'flow' }, sources.element, between, destinations.element));
  return { element, update: (flow) => {
    element.hidden = flow.sources.length === 0 || flow.destinations.length === 0;
    if (element.hidden) return;
    const names = new Map(flow.destinations.map((one) => [one.id, one.name]));
    sources.update(flow.sources.map((one) => ({ ...one, text: sendsTo(one, names) })), flow.moreSources);
    destinations.update(flow.destinations, flow.moreDestinations);
    drawLines(between, flow);
  } };
}

/** One of the two lists. Its boxes stay while they change, and with them the focus. */
function side(title, where, make) {
  const list = h('ul', { 'aria-label': title });
  const boxes = new Keyed(list, (one) => one.id, make);
  const rest = h('a', { href: where });
  const more = h('p', { class: 'hint' }, rest);
  return { element: h('div', { class: 'side' }, h('h3', {}, title), list, more), update: (all, number) => {
    boxes.show(all);
    say(rest, `${count(number)} more`);
    more.hidden = number === 0;
  } };
}

function sourceBox(first) {
  const link = h('a', { href: `#/sources/${encodeURIComponent(first.id)}` });
  const state = h('span', { class: 'state' });
  const unseen = h('span', { class: 'unseen' });
  return { element: h('li', {}, link, state, unseen), update: (one) => {
    say(link, one.name).title = one.name;
    say(state, one.enabled ? `${count(one.accepted)} accepted` : 'Disabled');
    say(unseen, one.text);
  } };
}

function destinationBox(first) {
  const link = h('a', { href: `#/destinations/${encodeURIComponent(first.id)}` });
  const badge = stateBadge();
  const queued = h('span');
  return { element: h('li', {}, link, h('span', { class: 'state' }, badge.element, queued)), update: (one) => {
    say(link, one.name).title = one.name;
    badge.update(one);
    say(queued, one.queued > 0 ? ` ${count(one.queued)} queued` : '');
  } };
}

/** The lines in words, for those who do not see them. */
function sendsTo(one, names) {
  if (one.destinations.length === 0) return 'sends to no destination';
  return `sends to ${one.destinations.map((id) => names.get(id) ?? id).join(', ')}`;
}

/** A line for each source and destination that it feeds, in the destination's colour; dashed where nothing is sent. */
function drawLines(picture, { sources, destinations }) {
  const height = Math.max(sources.length, destinations.length) * STEP - GAP;
  picture.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
  picture.setAttribute('height', `${height}rem`);
  const middle = (place) => place * STEP + (STEP - GAP) / 2;
  fill(picture, ...sources.flatMap((source, from) => destinations.flatMap((one, to) => {
    if (!source.destinations.includes(one.id)) return [];
    const [y, z] = [middle(from), middle(to)];
    const isIdle = !source.enabled || !one.enabled;
    return [s('path', {
      class: `flow-line ${isIdle ? 'idle' : stateKind(one)}`, d: `M0,${y} C${WIDTH / 2},${y} ${WIDTH / 2},${z} ${WIDTH},${z}`,
    })];
  })));
}
