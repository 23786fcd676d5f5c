// What Redis knows of one user: fields and nested, or the document, expiry, state, and deleting it.
import { get, profilePath, remove } from './api.js';
import { button, busy, codeBlock, linkButton, submit, tabs } from './controls.js';
import { confirmed } from './dialog.js';
import { fill, h } from './dom.js';
import { choice, Group, text } from './fields.js';
import { Form } from './form.js';
import { box, emptyState, Notice, toast } from './notice.js';
import { bytes, plural } from './numbers.js';
import { jsonText } from './personal.js';
import { newest } from './poll.js';
import { facts, fieldTable } from './table.js';
import { duration } from './time.js';

/** Where the server looks for state by itself. */
const SEPARATOR = ':';
const ENTRIES = 'data';
/** Whoever was looked up before is shown so long. */
const PATIENCE_MS = 300;

export async function profiles(page) {
  const form = h('section', { class: 'card', 'aria-label': 'Look up' });
  const place = h('div', { class: 'stack', role: 'status' });
  page.root.append(page.title('Profiles'), form, place);
  const { destinations } = await get('/destinations', { signal: page.signal });
  if (destinations.length === 0) {
    form.remove();
    fill(place, emptyState('No destination yet', 'Profiles live in a Redis. Add one first.',
      linkButton('Add a destination', '#/destinations/add/wizard', 'primary')));
    return;
  }
  const fields = lookUpFields(destinations);
  const { user } = fields;
  const look = newest(page.signal, (signal) => (user.value === '' ? [] : looking(place, signal, partsOf(fields, destinations, signal))),
    (parts) => fill(place, ...parts));
  /** Shows the user of the form, whom `keep(words)` puts into the address. */
  const show = (keep) => {
    keep({ destination: fields.destination.value, user: user.value, ...stateOf(fields) });
    look().catch((error) => {
      fill(place);
      asking.fail(error);
    });
  };
  const asking = new Form([
    new Group([fields.destination, user], { kind: 'side-by-side' }),
    new Group([fields.prefix, fields.separator, fields.entries], { kind: 'side-by-side', summary: 'Where the application\'s state is' }),
  ], submit('Look up'), () => {
    if (user.value !== '') {
      show((words) => page.step(words));
      return;
    }
    user.fail('Write the id of a user.');
    user.control.focus();
  }, { label: 'Look up a profile' });
  fill(form, asking.element);
  /** Looks up whom the address names; nobody, and the page is as at first. */
  page.follow = () => {
    asking.clear();
    const usual = { destination: destinations[0].id, state_separator: SEPARATOR, state_entries: ENTRIES };
    for (const { name, control } of Object.values(fields)) control.value = page.query.get(name) ?? usual[name] ?? '';
    // The address may name a destination that is not there any more.
    if (fields.destination.value === '') fields.destination.control.value = usual.destination;
    if (user.value === '') look();
    else show((words) => page.replace(words));
  };
  page.follow();
}

/** Resolves as `parts` does. While that takes its time, nobody else is shown in `place`. */
async function looking(place, signal, parts) {
  const timer = setTimeout(() => {
    if (!signal.aborted) fill(place, h('p', { class: 'hint' }, 'Looking…'));
  }, PATIENCE_MS);
  try {
    return await parts;
  } finally {
    clearTimeout(timer);
  }
}

function lookUpFields(destinations) {
  return {
    destination: choice('destination', 'Destination', destinations.map((one) => [one.id, one.name])),
    user: text('user', 'User id', { required: true }),
    prefix: text('state_prefix', 'Prefix of state keys', { hint: 'What your application\'s state store uses, if anything.' }),
    separator: text('state_separator', 'Separator'),
    entries: text('state_entries', 'Entries', { hint: 'Names with commas between them.' }),
  };
}

/** Unasked, the server looks for state where it may; asked, it says when it may not. */
function stateOf({ prefix, separator, entries }) {
  const isAsked = prefix.value !== '' || separator.value !== SEPARATOR || entries.value !== ENTRIES;
  return isAsked ? { state_prefix: prefix.value, state_separator: separator.value, state_entries: entries.value } : {};
}

/** What is shown of the user whom the form names. */
async function partsOf(fields, destinations, signal) {
  const [destination, user] = [fields.destination.value, fields.user.value];
  const { name, order } = destinations.find((one) => one.id === destination);
  let profile;
  try {
    profile = await get(profilePath(destination, user, '', stateOf(fields)), { signal, exact: true });
  } catch (error) {
    if (error.code !== 'no_profile') throw error;
    return [emptyState('No such profile', `${error.message} User ids are exact: capitals and spaces count.`)];
  }
  const origins = order === 'event_time' && profile.fields.length ? await originsOf(profilePath(destination, user, '/why'), signal) : {};
  return [profilePart(profile, origins, profilePath(destination, user), name), profile.state?.length ? statePart(profile.state) : null];
}

/** Where each field has its value from, or the error when that cannot be told. */
async function originsOf(where, signal) {
  try {
    const { fields } = await get(where, { signal });
    return { known: new Map(fields.map((one) => [one.field, one])) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { error };
  }
}

/** The user's hash or document. */
function profilePart(profile, origins, where, destination) {
  const notice = new Notice();
  if (origins.error) notice.fail(origins.error);
  const isDocument = profile.document !== null;
  const size = isDocument ? 'one JSON document' : plural(profile.fields.length, 'field');
  const views = isDocument ? { 'JSON document': () => codeBlock('JSON document', jsonText(profile.document)).element } : {
    'Fields': () => (profile.fields.length ? fieldTable(profile, origins.known) : h('p', { class: 'hint' }, 'This user has no profile.')),
    'Nested JSON': () => codeBlock('Nested JSON', jsonText(profile.nested)).element,
  };
  const drop = button('Delete profile', (event) => busy(event.currentTarget, async () => {
    const agreed = await confirmed({
      title: 'Delete this profile?', action: 'Delete profile',
      text: [`The key ${profile.key} in ${destination} is deleted, with ${size}.`,
        'The next identify of this user makes a new one. State entries stay.'],
    });
    if (!agreed) return;
    const { deleted } = await remove(where);
    toast(deleted ? 'The profile is deleted.' : 'There was no profile any more.');
    const gone = h('div', { tabindex: '-1' }, box('good', h('p', {}, deleted ? `${profile.key} is deleted.` : `${profile.key} was gone already.`)));
    card.replaceWith(gone);
    // The button is gone with what it was for.
    gone.focus();
  }, (error) => notice.fail(error)), { kind: 'danger' });
  const card = h('section', { class: 'card' },
    h('div', { class: 'heading' }, h('h2', {}, 'Profile'), isDocument || profile.fields.length ? drop : null), notice.element,
    facts([['Key', h('code', {}, profile.key)], ['Holds', size], ['Expires', expiry(profile.ttl_seconds)]]),
    tabs('Views', Object.keys(views), (name, panel) => fill(panel, views[name]())));
  return card;
}

const expiry = (seconds) => (seconds === null ? 'never' : `in ${duration(seconds)}`);

/** What the application keeps of this user. */
function statePart(state) {
  return h('section', { class: 'card' }, h('h2', {}, 'State'), state.map((one) => h('div', { class: 'result' },
    h('h3', {}, one.entry),
    facts([['Key', h('code', {}, one.key)], ['Size', bytes(one.bytes)], ['Expires', expiry(one.ttl_seconds)]]),
    codeBlock(`State entry ${one.entry}`, stateText(one)).element)));
}

function stateText(one) {
  if (one.json !== null) return jsonText(one.json);
  return one.text ?? 'This entry is no text: encrypted, or written by a codec of your own.';
}
