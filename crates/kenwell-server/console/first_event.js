// Waiting for the first event: code that sends one, and the user's profile as soon as it is written.
import { get, path, profilePath } from './api.js';
import { button, codeBlock, linkButton, tabs } from './controls.js';
import { fill, h, say } from './dom.js';
import { box, emptyState, errorBox } from './notice.js';
import { jsonText } from './personal.js';
import { SNIPPETS } from './snippets.js';
import { facts, fieldTable } from './table.js';
import { showState, Tail } from './tail.js';

const EVENTS = '/api/v1/events';
/** The shortest way first. */
const LANGUAGES = ['curl', 'Node', 'JavaScript (browser)', 'Python', 'Go'];

export async function firstEvent(page) {
  const state = h('span', { class: 'badge plain', role: 'status' }, '');
  const again = button('Try again', () => tail.open(EVENTS), { kind: 'small', hidden: true });
  const result = h('div', { class: 'stack', role: 'status' });
  const place = h('div', { class: 'stack' });
  page.root.append(page.title('Waiting for your first event', state, again), result, place);
  const tail = new Tail(page.signal, {
    show: (events) => take(events),
    state: (word) => {
      showState(state, word);
      again.hidden = word !== 'refused';
    },
    dropped: () => {},
    waiting: () => {},
  });
  const [{ sources }, { destinations }, overview] = await Promise.all([
    get('/sources', { signal: page.signal }), get('/destinations', { signal: page.signal }), get('/overview', { signal: page.signal }),
  ]);
  const source = sources.find((one) => one.enabled && one.destinations.length > 0);
  if (!source) {
    fill(place, emptyState('No source sends yet', 'An event needs a source to come from and a destination to go to.',
      linkButton('Add a destination', '#/destinations/add/wizard', 'primary')));
    return;
  }
  const names = new Map(destinations.map((one) => [one.id, one.name]));
  if (overview.journal.records > 0) page.rename('Waiting for the next event');
  fill(place, h('section', { class: 'card' }, h('h2', {}, 'Send one'),
    h('p', { class: 'hint' }, 'Run one of these. The user\'s profile shows up here the moment it is in Redis.'),
    tabs('Languages', LANGUAGES, (name, panel) => {
      fill(panel, codeBlock(`${name} code`, SNIPPETS[name](overview.gateway_url, source.write_key)).element);
    })));
  tail.open(EVENTS);

  /** `events`: newest first. The oldest one that is written ends the wait; until then the newest says how it stands. */
  async function take(events) {
    const written = events.findLast((seen) => seen.outcome === 'written');
    if (!written) {
      fill(result, progress(events[0]));
      return;
    }
    tail.close();
    say(state, 'Arrived').className = 'badge good';
    page.rename(`${written.user_id ?? 'Somebody'} is in Redis`);
    fill(place);
    fill(result, await profileOf(written, source, names, page.signal));
  }
}

/** What is known of an event that is not in Redis, or not yet. */
function progress(seen) {
  const what = `${seen.type || 'An event'} of ${seen.user_id ?? 'nobody'}`;
  switch (seen.outcome) {
    case 'accepted': return box('plain', h('p', {}, `${what} is on disk, and on its way to Redis. When it stays there, `,
      h('a', { href: '#/destinations' }, 'look at the destination'), '.'));
    case 'dead_lettered': return box('bad', h('p', {}, `${what} was refused by Redis: ${seen.reason ?? ''} `,
      h('a', { href: '#/dead-letters' }, 'See the dead letters')));
    default: return box('warn', h('p', {}, `${what} arrived, and there is nothing in it to write: ${seen.reason ?? ''} `,
      'Profiles are made of identify events.'));
  }
}

/** The profile that the event became, and where to go on. */
async function profileOf({ destination, user_id: user }, source, names, signal) {
  const ways = h('div', { class: 'actions' },
    linkButton('Live events', '#/live', 'primary'),
    linkButton('Look users up', `#/profiles?destination=${encodeURIComponent(destination)}&user=${encodeURIComponent(user ?? '')}`),
    linkButton('Code for your program', `#/sources${path(source.id)}`),
    linkButton('Overview', '#/overview', 'quiet'));
  try {
    const profile = await get(profilePath(destination, user), { signal, exact: true });
    return h('section', { class: 'card' }, h('h2', {}, 'The profile'),
      facts([['Key', h('code', {}, profile.key)], ['Destination', names.get(destination) ?? destination]]),
      profile.document === null ? fieldTable(profile) : codeBlock('JSON document', jsonText(profile.document)).element, ways);
  } catch (error) {
    return h('div', { class: 'stack' }, errorBox(error), ways);
  }
}
