// What Redis knows of one user: fields and nested, or the document, expiry, state, and deleting it.
import { get, path, query, remove } from './api.js';
import { button, busy, codeBlock, linkButton, submit, tabs } from './controls.js';
import { confirmed } from './dialog.js';
import { fill, h } from './dom.js';
import { choice, Group, text } from './fields.js';
import { Form } from './form.js';
import { box, emptyState, Notice, toast } from './notice.js';
import { bytes, plural } from './numbers.js';
import { jsonText } from './personal.js';
import { facts, fieldTable } from './table.js';
import { duration } from './time.js';

/** Where the server looks for state by itself. */
const SEPARATOR = ':';
const ENTRIES = 'data';

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
  const names = new Map(destinations.map((one) => [one.id, one.name]));
  const destination = choice('destination', 'Destination', [...names]);
  const user = text('user', 'User id', { required: true });
  const prefix = text('state_prefix', 'Prefix of state keys', { hint: 'What your application\'s state store uses, if anything.' });
  const separator = text('state_separator', 'Separator', { value: SEPARATOR });
  const entries = text('state_entries', 'Entries', { value: ENTRIES, hint: 'Names with commas between them.' });
  let isFollowing = false;
  const look = new Form([
    new Group([destination, user], { kind: 'side-by-side' }),
    new Group([prefix, separator, entries], { kind: 'side-by-side', summary: 'Where the application\'s state is' }),
  ], submit('Look up'), async () => {
    if (user.value === '') {
      user.fail('Write the id of a user.');
      user.control.focus();
      return;
    }
    const where = `/profiles${path(destination.value, user.value)}`;
    // Unasked, the server looks for state where it may; asked, it says when it may not.
    const isAsked = prefix.value !== '' || separator.value !== SEPARATOR || entries.value !== ENTRIES;
    const asked = isAsked ? { state_prefix: prefix.value, state_separator: separator.value, state_entries: entries.value } : {};
    const words = { destination: destination.value, user: user.value, ...asked };
    if (isFollowing) page.replace(words);
    else page.step(words);
    const state = query(asked);
    const isByTime = destinations.some((one) => one.id === destination.value && one.order === 'event_time');
    await show(place, where, state, { names, isByTime }, page.signal);
  }, { label: 'Look up a profile' });
  fill(form, look.element);
  /** Looks up whom the address names; nobody, and the page is as at first. */
  page.follow = () => {
    for (const [field, usual] of [[destination, destinations[0].id], [user, ''], [prefix, ''], [separator, SEPARATOR], [entries, ENTRIES]]) {
      field.control.value = page.query.get(field.name) ?? usual;
    }
    if (!names.has(destination.value)) destination.control.value = destinations[0].id;
    isFollowing = true;
    if (user.value) look.element.requestSubmit();
    else fill(place);
    isFollowing = false;
  };
  page.follow();
}

async function show(place, where, state, { names, isByTime }, signal) {
  let profile;
  try {
    profile = await get(where + state, { signal, exact: true });
  } catch (error) {
    if (error.code !== 'no_profile') {
      fill(place);
      throw error;
    }
    fill(place, emptyState('No such profile', `${error.message} User ids are exact: capitals and spaces count.`));
    return;
  }
  const origins = isByTime && profile.fields.length ? await originsOf(where, signal) : {};
  fill(place, profilePart(profile, origins, where, names, place), profile.state?.length ? statePart(profile.state) : null);
}

/** Where each field has its value from, or the error when that cannot be told. */
async function originsOf(where, signal) {
  try {
    const { fields } = await get(`${where}/why`, { signal });
    return { known: new Map(fields.map((one) => [one.field, one])) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { error };
  }
}

/** The user's hash or document. */
function profilePart(profile, origins, where, names, place) {
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
      text: [`The key ${profile.key} in ${names.get(profile.destination) ?? profile.destination} is deleted, with ${size}.`,
        'The next identify of this user makes a new one. State entries stay.'],
    });
    if (!agreed) return;
    const { deleted } = await remove(where);
    toast(deleted ? 'The profile is deleted.' : 'There was no profile any more.');
    fill(place, box('good', h('p', {}, deleted ? `${profile.key} is deleted.` : `${profile.key} was gone already.`)));
  }, (error) => notice.fail(error)), { kind: 'danger' });
  return h('section', { class: 'card' },
    h('div', { class: 'heading' }, h('h2', {}, 'Profile'), isDocument || profile.fields.length ? drop : null), notice.element,
    facts([['Key', h('code', {}, profile.key)], ['Holds', size], ['Expires', expiry(profile.ttl_seconds)]]),
    tabs('Views', Object.keys(views), (name, panel) => fill(panel, views[name]())));
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
