// Who sends: the list of sources, and adding one.
import { get, patch, path, post } from './api.js';
import { onChange, refresh } from './configuration.js';
import { busy, button, copyButton, submit } from './controls.js';
import { fill, h, say } from './dom.js';
import { Choices, text } from './fields.js';
import { Form } from './form.js';
import { Listing } from './listing.js';
import { emptyState, toast } from './notice.js';
import { count } from './numbers.js';
import { every } from './poll.js';
import { stateBadge } from './status.js';
import { row } from './table.js';
import { setTime, time } from './time.js';

const SECONDS = 5;
const COLUMNS = [
  { title: 'Source', sort: 'name' }, { title: 'State', sort: 'state' }, { title: 'Write key' },
  { title: 'Accepted', kind: 'number', sort: 'accepted' }, { title: 'Last seen', sort: 'last_seen' }, { title: '' },
];

export async function sources(page) {
  const empty = emptyState('No source yet', 'A source is a program or site that sends events. Name the first one: its write key is made for you.');
  const listing = new Listing(page, {
    title: 'Sources', where: '/sources', columns: COLUMNS, empty, take: (answer) => answer.sources, key: (one) => one.id, make: sourceRow,
  });
  const adding = h('div');
  const add = button('Add a source', (event) => busy(event.currentTarget, () => openForm(adding, page, add), (error) => {
    if (!page.signal.aborted) toast(error.message);
  }), { kind: 'primary edits' });
  page.root.append(page.title('Sources', add), adding, ...listing.elements);
  onChange(page.signal, listing.load);
  await every(SECONDS, page.signal, listing.load);
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
  const copy = copyButton('write key', () => now.write_key);
  const element = row(COLUMNS, [link, state.element, h('span', { class: 'keyed' }, key, copy),
    accepted, seen, h('div', { class: 'actions' }, toggle)]);
  return { element, update: (source) => {
    now = source;
    link.setAttribute('href', `#/sources/${encodeURIComponent(source.id)}`);
    say(link, source.name);
    say(key, source.write_key).title = source.write_key;
    copy.setAttribute('aria-label', `Copy write key of ${source.name}`);
    state.update(sourceState(source));
    say(accepted, count(source.accepted));
    setTime(seen, source.last_seen_at, 'never');
    say(toggle, source.enabled ? 'Disable' : 'Enable');
    toggle.setAttribute('aria-label', `${toggle.textContent} ${source.name}`);
  } };
}

/** Enables or disables a source, tells `done(source)`, and says so; what was done can be undone until it is changed again. */
export function setEnabled(element, source, done = () => {}) {
  const set = async (enabled, revision) => {
    const changed = await patch(`/sources${path(source.id)}`, { enabled }, { revision });
    done(changed);
    await refresh();
    return changed;
  };
  return busy(element, async () => {
    const { revision } = await set(!source.enabled);
    toast(source.enabled ? `${source.name} is disabled: what it sends is refused.` : `${source.name} is enabled.`, { undo: () => set(source.enabled, revision) });
  }, (error) => toast(error.message));
}

/** The form for a new source, above the list; the one that is there already stays. Cancelled, it gives the focus back to `opener`. */
async function openForm(place, page, opener) {
  if (place.childElementCount > 0) {
    place.querySelector('input').focus();
    return;
  }
  const { destinations } = await get('/destinations', { signal: page.signal });
  const name = text('name', 'Name', { hint: 'For people, such as "Web site".', required: true });
  const id = text('id', 'Id', { hint: 'Made from the name when empty. Lower-case letters, digits and hyphens; it cannot be changed later.' });
  const to = new Choices('Send its events to', destinations.map((one) => [one.id, one.name]), {
    chosen: destinations.length === 1 ? [destinations[0].id] : [],
    hint: destinations.length === 0 ? 'There is no destination yet; you can add one afterwards.' : null,
  });
  const cancel = () => {
    fill(place);
    opener.focus();
  };
  const form = new Form([name, id, to], submit('Add source'), async (values) => {
    const made = await post('/sources', {
      name: values.name, ...(values.id ? { id: values.id } : {}), destinations: to.value,
    });
    form.settle();
    await refresh();
    toast(`${made.name} is there, with a write key of its own.`);
    page.leaveFor(`#/sources${path(made.id)}`);
  }, { label: 'New source', after: [button('Cancel', cancel)], unsaved: page.signal });
  fill(place, h('section', { class: 'card' }, h('h2', {}, 'New source'), form.element));
  name.control.focus();
}
