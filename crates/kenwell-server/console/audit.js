// Who changed what: the last deeds, by whom, what, and what came of it.
import { h } from './dom.js';
import { choice } from './fields.js';
import { Listing } from './listing.js';
import { emptyState } from './notice.js';
import { every } from './poll.js';
import { row } from './table.js';
import { time } from './time.js';

const SECONDS = 5;
const WHO = { session: 'Console', admin_key: 'Admin key', file: 'Configuration file' };
const RESULTS = { done: ['Done', 'good'], refused: ['Refused', 'warn'], failed: ['Failed', 'bad'], interrupted: ['Interrupted', 'plain'] };
const COLUMNS = [{ title: 'When' }, { title: 'Who' }, { title: 'What' }, { title: 'About' }, { title: 'Settings' }, { title: 'Result' }];

export async function audit(page) {
  const who = choice('who', 'Who', [['', 'Anybody'], ...Object.entries(WHO)]);
  const deed = choice('deed', 'What', [['', 'Anything']]);
  const result = choice('result', 'Result', [['', 'Any'], ...Object.entries(RESULTS).map(([name, [title]]) => [name, title])]);
  offer(deed, [page.query.get('deed') ?? '']);
  const empty = emptyState('Nobody has changed anything yet', 'Changes over the console and the API, sign-ins, and configuration files that were edited '
    + 'by hand will be here.');
  const take = (answer) => {
    offer(deed, answer.deeds);
    return numbered(answer.entries);
  };
  const listing = new Listing(page, {
    title: 'Deeds', caption: 'Deeds, the newest first', where: '/audit', columns: COLUMNS, empty, take, key: (entry) => entry.key, make: entryRow,
    filters: [who, deed, result], nothing: 'No deed is like this.',
  });
  page.root.append(page.title('Audit log'),
    h('p', { class: 'hint' }, 'Who changed what: the last deeds, some thousand of them. Names of settings are told, never their values, and no ids of users.'),
    ...listing.elements);
  await every(SECONDS, page.signal, listing.load);
}

/** Adds names of deeds to the choice; those that stand there stay, also the one that the address names. */
function offer(field, deeds) {
  const known = new Set([...field.control.options].map((option) => option.value));
  for (const name of deeds) {
    if (!known.has(name)) field.control.append(h('option', { value: name }, words(name)));
  }
}

/** The name of an operation as words. */
const words = (name) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`.replaceAll('_', ' ');

/** The same deed may be done twice in one moment: each gets a key that stays while newer ones come. */
function numbered(entries) {
  const times = new Map();
  return entries.toReversed().map((entry) => {
    const print = JSON.stringify(entry);
    times.set(print, (times.get(print) ?? 0) + 1);
    return { ...entry, key: `${print} ${times.get(print)}` };
  }).reverse();
}

function entryRow(entry) {
  const [word, kind] = RESULTS[entry.result] ?? [entry.result, 'plain'];
  const element = row(COLUMNS, [
    time(entry.at),
    h('div', {}, WHO[entry.who] ?? entry.who, entry.address ? h('p', { class: 'why' }, entry.address) : null),
    h('span', { title: entry.deed }, words(entry.deed)),
    entry.about ? h('code', {}, entry.about) : '–',
    entry.settings.length > 0 ? h('code', {}, entry.settings.join(', ')) : '–',
    h('span', { class: `badge ${kind}`, title: entry.status ? `status ${entry.status}` : null }, word),
  ]);
  return { element, update: () => {} };
}
