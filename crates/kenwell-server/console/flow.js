// From sources to destinations, as a picture: two lists, and lines between them.
import { get, query } from './api.js';
import { fill, h, s } from './dom.js';
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
  const place = h('div', { class: 'flow' });
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'From sources to destinations'), place);
  let print = '';
  return { element, update: (flow) => {
    element.hidden = flow.sources.length === 0 || flow.destinations.length === 0;
    const next = JSON.stringify([flow.sources.map(sourceText), flow.destinations.map((one) => [one.id, one.name, one.state, one.queued]), flow.moreSources, flow.moreDestinations]);
    // Only replaced when it differs, so that the focus and what is read out stay.
    if (element.hidden || next === print) return;
    print = next;
    fill(place, ...draw(flow));
  } };
}

const sourceText = (one) => [one.id, one.name, one.enabled, one.accepted, one.destinations];

function draw({ sources, moreSources, destinations, moreDestinations }) {
  const names = new Map(destinations.map((one) => [one.id, one.name]));
  const left = sources.map((one) => boxOf(`#/sources/${encodeURIComponent(one.id)}`, one.name,
    one.enabled ? `${count(one.accepted)} accepted` : 'Disabled', sendsTo(one, names)));
  const right = destinations.map((one) => boxOf(`#/destinations/${encodeURIComponent(one.id)}`, one.name, badgeOf(one)));
  const rows = Math.max(sources.length, destinations.length);
  return [
    side('Sources', left, moreSources, '#/sources'), lines(sources, destinations, rows),
    side('Destinations', right, moreDestinations, '#/destinations'),
  ];
}

function side(title, boxes, more, where) {
  return h('div', { class: 'side' }, h('h3', {}, title), h('ul', { 'aria-label': title }, boxes),
    more > 0 ? h('p', { class: 'hint' }, h('a', { href: where }, `${count(more)} more`)) : null);
}

const boxOf = (href, name, state, unseen = '') => h('li', {}, h('a', { href, title: name }, name), h('span', { class: 'state' }, state),
  unseen ? h('span', { class: 'unseen' }, unseen) : null);

function badgeOf(status) {
  const { element, update } = stateBadge();
  update(status);
  return [element, status.queued > 0 ? ` ${count(status.queued)} queued` : null];
}

/** The lines in words, for those who do not see them. */
function sendsTo(one, names) {
  if (one.destinations.length === 0) return 'sends to no destination';
  return `sends to ${one.destinations.map((id) => names.get(id) ?? id).join(', ')}`;
}

/** A line for each source and destination that it feeds, in the destination's colour; dashed where nothing is sent. */
function lines(sources, destinations, rows) {
  const middle = (place) => place * STEP + (STEP - GAP) / 2;
  const paths = sources.flatMap((source, from) => destinations.flatMap((one, to) => {
    if (!source.destinations.includes(one.id)) return [];
    const [y, z] = [middle(from), middle(to)];
    const isIdle = !source.enabled || !one.enabled;
    return [s('path', {
      class: `flow-line ${isIdle ? 'idle' : stateKind(one)}`, d: `M0,${y} C${WIDTH / 2},${y} ${WIDTH / 2},${z} ${WIDTH},${z}`,
    })];
  }));
  return s('svg', {
    class: 'flow-lines', viewBox: `0 0 ${WIDTH} ${rows * STEP - GAP}`, preserveAspectRatio: 'none', height: `${rows * STEP - GAP}rem`, 'aria-hidden': 'true',
  }, paths);
}
