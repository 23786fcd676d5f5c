// Where traits go: the list of destinations with their health.
import { get, path, post, query } from './api.js';
import { onChange, refresh } from './configuration.js';
import { busy, button, linkButton, tally } from './controls.js';
import { h, Keyed, say } from './dom.js';
import { Listing } from './listing.js';
import { emptyState, toast } from './notice.js';
import { count } from './numbers.js';
import { every } from './poll.js';
import { forgetDestination } from './removal.js';
import { explanation, stateBadge } from './status.js';
import { row, table } from './table.js';
import { duration } from './time.js';

const SECONDS = 2;
const BADGE_SECONDS = 5;
const COLUMNS = [
  { title: 'Destination', sort: 'name' }, { title: 'State', sort: 'state' }, { title: 'Address', sort: 'address' },
  { title: 'Queued', kind: 'number', sort: 'queued' }, { title: 'Lag', kind: 'number', sort: 'lag' }, { title: '' },
];
const RETIRED_COLUMNS = [{ title: 'Destination' }, { title: 'Queued', kind: 'number' }, { title: '' }];

export async function destinations(page) {
  const empty = emptyState('No destination yet', 'A destination is a Redis into which users\' traits are written.',
    linkButton('Add a destination', '#/destinations/add/wizard', 'primary'));
  const retired = retiredPart();
  const take = (answer) => {
    retired.show(answer.retired);
    return answer.destinations;
  };
  const listing = new Listing(page, {
    title: 'Destinations', where: '/destinations', columns: COLUMNS, empty, take, key: (one) => one.id, make: destinationRow,
  });
  page.root.append(page.title('Destinations', linkButton('Add a destination', '#/destinations/add/wizard', 'primary edits')),
    ...listing.elements, retired.element);
  onChange(page.signal, listing.load);
  await every(SECONDS, page.signal, listing.load);
}

/** Shows in `place` how many do not take or have what they should, for the whole life of the console. */
export function watchWaiting(place, signal) {
  every(BADGE_SECONDS, signal, async () => {
    const { waiting } = await get(`/destinations${query({ limit: 1 })}`);
    tally(place, waiting, 'waiting');
  });
}

/** Those that are not configured any more and have events waiting. */
function retiredPart() {
  const parts = table('Not configured', RETIRED_COLUMNS);
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'Not configured any more'),
    h('p', { class: 'hint' }, 'Events wait for these. Put one back, which keeps its id, and they are delivered.'), parts.element);
  const rows = new Keyed(parts.body, (status) => status.id, retiredRow);
  return { element, show: (all) => {
    rows.show(all);
    element.hidden = all.length === 0;
  } };
}

function retiredRow(first) {
  let now = first;
  const why = h('p', { class: 'why' });
  const queued = h('span');
  const back = linkButton('Put it back', `#/destinations/add/wizard${query({ name: first.id, id: first.id })}`, 'small edits');
  back.setAttribute('aria-label', `Put ${first.id} back`);
  const forget = button('Give up', (event) => busy(event.currentTarget, async () => {
    if (await forgetDestination(now)) toast(`${now.id} is forgotten.`);
  }, (error) => toast(error.message)), { kind: 'small danger' });
  forget.setAttribute('aria-label', `Give up what waits for ${first.id}`);
  const element = row(RETIRED_COLUMNS, [[h('code', {}, first.id), why], queued, h('div', { class: 'actions' }, back, forget)]);
  return { element, update: (status) => {
    now = status;
    say(why, explanation(status));
    say(queued, count(status.queued));
  } };
}

function destinationRow(first) {
  let now = first;
  const link = h('a', { href: `#/destinations/${encodeURIComponent(first.id)}` });
  const why = h('p', { class: 'why' });
  const state = stateBadge();
  const address = h('code');
  const queued = h('span');
  const lag = h('span');
  const toggle = button('', (event) => setPaused(event.currentTarget, now), { kind: 'small edits' });
  const element = row(COLUMNS, [[link, why], state.element, address, queued, lag, h('div', { class: 'actions' }, toggle)]);
  return { element, update: (one) => {
    now = one;
    say(link, one.name);
    say(why, explanation(one.status));
    why.hidden = why.textContent === '';
    state.update(one.status);
    say(address, one.address);
    say(queued, count(one.status.queued));
    say(lag, duration(one.status.lag_seconds));
    toggle.hidden = !one.enabled;
    say(toggle, one.paused ? 'Resume' : 'Pause');
    toggle.setAttribute('aria-label', `${toggle.textContent} ${one.name}`);
  } };
}

/** Pauses or resumes a destination, and says so; what was done can be undone until its settings are changed. */
export function setPaused(element, one) {
  const set = async (isPaused, revision) => {
    const changed = await post(`/destinations${path(one.id)}/${isPaused ? 'pause' : 'resume'}`, undefined, { revision });
    await refresh();
    return changed;
  };
  return busy(element, async () => {
    const { revision } = await set(!one.paused);
    toast(one.paused ? `${one.name} goes on.` : `${one.name} is paused; its events are kept.`, { undo: () => set(one.paused, revision) });
  }, (error) => toast(error.message));
}
