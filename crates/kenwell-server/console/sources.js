// Who sends: the list of sources, and adding one.
import { get, patch, path, post, query } from './api.js';
import { onChange, refresh } from './configuration.js';
import { busy, button, copyButton, submit } from './controls.js';
import { fill, h, Keyed, say } from './dom.js';
import { Choices, text } from './fields.js';
import { Form } from './form.js';
import { Listing } from './listing.js';
import { emptyState, failureIn, toast } from './notice.js';
import { count } from './numbers.js';
import { every } from './poll.js';
import { stateBadge } from './status.js';
import { row, table } from './table.js';
import { setTime, time } from './time.js';

const SECONDS = 5;
const COLUMNS = [
  { title: 'Source', sort: 'name' }, { title: 'State', sort: 'state' }, { title: 'Write key' },
  { title: 'Accepted', kind: 'number', sort: 'accepted' }, { title: 'Last seen', sort: 'last_seen' }, { title: '' },
];

export async function sources(page) {
  const listing = new Listing(page, 'sources', COLUMNS, () => load());
  const parts = table('Sources', COLUMNS, (column) => listing.head(column));
  const list = h('section', { class: 'card', 'aria-label': 'Sources' }, listing.above, parts.element, listing.below);
  const empty = emptyState('No source yet', 'A source is a program or site that sends events. Name the first one: its write key is made for you.');
  const adding = h('div');
  const problem = h('div');
  const add = button('Add a source', () => openForm(adding, page), { kind: 'primary edits' });
  page.root.append(page.title('Sources', add), problem, adding, empty, list);
  list.hidden = true;
  empty.hidden = true;

  const rows = new Keyed(parts.body, (source) => source.id, sourceRow);
  const load = async () => {
    const { sources: all, total } = await get(`/sources${query(listing.asked)}`, { signal: page.signal });
    rows.show(all);
    const isEmpty = total === 0 && !listing.isSearching;
    list.hidden = isEmpty;
    empty.hidden = !isEmpty;
    listing.update(total, all.length);
    fill(problem);
  };
  onChange(page.signal, () => load().catch(() => {}));
  await every(SECONDS, page.signal, load, failureIn(problem));
}

/** The state of a source, for its badge. */
export const sourceState = (source) => ({ state: source.enabled ? 'enabled' : 'disabled' });

function sourceRow(first) {
  const link = h('a', {});
  const key = h('code', { class: 'key' });
  const state = stateBadge();
  const accepted = h('span');
  const seen = time(null);
  let now = first;
  const toggle = button('', (event) => setEnabled(event.currentTarget, now), { kind: 'small edits' });
  const element = row(COLUMNS, [link, state.element, h('span', { class: 'keyed' }, key, copyButton('write key', () => now.write_key)),
    accepted, seen, h('div', { class: 'actions' }, toggle)]);
  return { element, update: (source) => {
    now = source;
    link.setAttribute('href', `#/sources/${encodeURIComponent(source.id)}`);
    say(link, source.name);
    say(key, source.write_key).title = source.write_key;
    state.update(sourceState(source));
    say(accepted, count(source.accepted));
    setTime(seen, source.last_seen_at, 'never');
    say(toggle, source.enabled ? 'Disable' : 'Enable');
    toggle.setAttribute('aria-label', `${toggle.textContent} ${source.name}`);
  } };
}

/** Enables or disables a source, and says so; what was done can be undone. `show` shows what is so now. */
export function setEnabled(element, source, show = refresh) {
  const set = async (enabled) => {
    await patch(`/sources${path(source.id)}`, { enabled });
    await show();
  };
  return busy(element, async () => {
    await set(!source.enabled);
    toast(source.enabled ? `${source.name} is disabled: what it sends is refused.` : `${source.name} is enabled.`, { undo: () => set(source.enabled) });
  }, (error) => toast(error.message));
}

/** The form for a new source, above the list. */
async function openForm(place, page) {
  const { destinations } = await get('/destinations', { signal: page.signal });
  const name = text('name', 'Name', { hint: 'For people, such as "Web site".', required: true });
  const id = text('id', 'Id', { hint: 'Made from the name when empty. Lower-case letters, digits and hyphens; it cannot be changed later.' });
  const to = new Choices('Send its events to', destinations.map((one) => [one.id, one.name]), {
    chosen: destinations.length === 1 ? [destinations[0].id] : [],
    hint: destinations.length === 0 ? 'There is no destination yet; you can add one afterwards.' : null,
  });
  const form = new Form([name, id, to], submit('Add source'), async (values) => {
    const made = await post('/sources', {
      name: values.name, ...(values.id ? { id: values.id } : {}), destinations: to.value,
    });
    form.settle();
    await refresh();
    toast(`${made.name} is there, with a write key of its own.`);
    location.hash = `#/sources/${encodeURIComponent(made.id)}`;
  }, { label: 'New source', after: [button('Cancel', () => fill(place))], unsaved: page.signal });
  fill(place, h('section', { class: 'card' }, h('h2', {}, 'New source'), form.element));
  name.control.focus();
}
