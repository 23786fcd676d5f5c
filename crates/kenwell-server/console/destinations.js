// Where traits go: the list of destinations with their health.
import { get, path, post } from './api.js';
import { onChange, refresh } from './configuration.js';
import { busy, button, linkButton } from './controls.js';
import { fill, h, Keyed, say } from './dom.js';
import { emptyState, failureIn, toast } from './notice.js';
import { count } from './numbers.js';
import { every } from './poll.js';
import { forgetDestination } from './removal.js';
import { explanation, stateBadge } from './status.js';
import { row, table } from './table.js';
import { duration } from './time.js';

const SECONDS = 2;
const COLUMNS = [
  { title: 'Destination' }, { title: 'State' }, { title: 'Address' }, { title: 'Queued', kind: 'number' },
  { title: 'Lag', kind: 'number' }, { title: '' },
];
const RETIRED_COLUMNS = [{ title: 'Destination' }, { title: 'Queued', kind: 'number' }, { title: '' }];

export async function destinations(page) {
  const parts = table('Destinations', COLUMNS);
  const list = h('section', { class: 'card', 'aria-label': 'Destinations' }, parts.element);
  const retired = retiredPart();
  const empty = emptyState('No destination yet', 'A destination is a Redis into which users\' traits are written.',
    linkButton('Add a destination', '#/destinations/add/wizard', 'primary'));
  const problem = h('div');
  list.hidden = true;
  empty.hidden = true;
  page.root.append(page.title('Destinations', linkButton('Add a destination', '#/destinations/add/wizard', 'primary edits')),
    problem, empty, list, retired.element);
  const rows = new Keyed(parts.body, (one) => one.id, destinationRow);
  const load = async () => {
    const { destinations: all, retired: gone } = await get('/destinations', { signal: page.signal });
    rows.show(all);
    retired.show(gone);
    list.hidden = all.length === 0;
    empty.hidden = all.length > 0;
    fill(problem);
  };
  onChange(page.signal, () => load().catch(() => {}));
  every(SECONDS, page.signal, load, failureIn(problem));
}

/** Those that are not configured any more and have events waiting. */
function retiredPart() {
  const parts = table('Not configured', RETIRED_COLUMNS);
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'Not configured any more'),
    h('p', { class: 'hint' }, 'Events wait for these. Put one back under the same id, and they are delivered.'), parts.element);
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
  const forget = button('Give up', (event) => busy(event.currentTarget, async () => {
    if (await forgetDestination(now)) toast(`${now.id} is forgotten.`);
  }, (error) => toast(error.message)), { kind: 'small danger' });
  forget.setAttribute('aria-label', `Give up what waits for ${first.id}`);
  const element = row(RETIRED_COLUMNS, [[h('code', {}, first.id), why], queued, h('div', { class: 'actions' }, forget)]);
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

/** Pauses or resumes a destination, and says so; what was done can be undone. */
export function setPaused(element, one) {
  const set = async (isPaused) => {
    await post(`/destinations${path(one.id)}/${isPaused ? 'pause' : 'resume'}`);
    await refresh();
  };
  return busy(element, async () => {
    await set(!one.paused);
    toast(one.paused ? `${one.name} goes on.` : `${one.name} is paused; its events are kept.`, { undo: () => set(one.paused) });
  }, (error) => toast(error.message));
}
