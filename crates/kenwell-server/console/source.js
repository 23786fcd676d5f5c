// One source: its key, where its events go, code to paste, and a test event.
import { get, patch, path, post, remove } from './api.js';
import { acknowledge, refresh } from './configuration.js';
import { busy, button, codeBlock, submit, tabs } from './controls.js';
import { confirmed } from './dialog.js';
import { Preview } from './diff.js';
import { fill, h, say } from './dom.js';
import { keepFresh } from './fresh.js';
import { Choices, text } from './fields.js';
import { Form } from './form.js';
import { Notice, toast } from './notice.js';
import { count } from './numbers.js';
import { every } from './poll.js';
import { SNIPPETS } from './snippets.js';
import { setEnabled, sourceState } from './sources.js';
import { stateBadge } from './status.js';
import { facts } from './table.js';
import { testEvent } from './test_event.js';
import { setTime, time } from './time.js';
import { forgetUnsaved } from './unsaved.js';

const SECONDS = 5;

export async function source(page) {
  const where = `/sources${path(page.parameters.id)}`;
  const heading = page.title(page.parameters.id);
  const place = h('div', { class: 'stack' });
  page.root.append(heading, place);
  const numbers = currentNumbers();
  let shown = null;
  const reload = keepFresh(page, place, load, async () => (await get(where, { signal: page.signal })).revision !== shown);
  await load();
  every(SECONDS, page.signal, async () => numbers.update(await get(where, { signal: page.signal })));

  async function load() {
    const [one, state, { destinations }] = await Promise.all([
      get(where, { signal: page.signal }), get('/overview', { signal: page.signal }), get('/destinations', { signal: page.signal }),
    ]);
    shown = one.revision;
    say(heading.firstElementChild, one.name);
    numbers.update(one);
    fill(place, ...sections(where, one, state.gateway_url, destinations, numbers, reload, page.signal));
  }
}

function sections(where, one, url, destinations, numbers, load, signal) {
  const names = new Map(destinations.map((each) => [each.id, each.name]));
  return [
    h('section', { class: 'card' }, h('h2', {}, 'Write key'), ...keyPart(where, one, numbers, load)),
    h('section', { class: 'card' }, h('h2', {}, 'Send from your program'),
      h('p', { class: 'hint' }, 'SDKs send to ', h('code', {}, url), '. Where clients reach it by another address, use that one.'),
      tabs('Languages', Object.keys(SNIPPETS), (name, panel) => {
        fill(panel, codeBlock(`${name} code`, SNIPPETS[name](url, one.write_key)).element);
      })),
    h('section', { class: 'card' }, h('h2', {}, 'Send a test event'), testEvent(one, names)),
    h('section', { class: 'card' }, h('h2', {}, 'Settings'), settings(where, one, destinations, load, signal)),
    h('section', { class: 'card' }, h('h2', {}, 'Remove'), removal(where, one)),
  ];
}

const ORIGINS = {
  environment: 'It comes from an environment variable; change it there.',
  secret_file: 'It comes from a file of its own; change it there.',
};

/** What changes by itself: the state, and what has come in. */
function currentNumbers() {
  const state = stateBadge();
  const accepted = h('span');
  const seen = time(null);
  const element = facts([['State', state.element], ['Accepted', accepted], ['Last seen', seen]]);
  return { element, update: (one) => {
    state.update(sourceState(one));
    say(accepted, count(one.accepted));
    setTime(seen, one.last_seen_at, 'never');
  } };
}

function keyPart(where, one, numbers, load) {
  const notice = new Notice();
  const origin = ORIGINS[one.write_key_from];
  const rotate = button('Rotate key', (event) => busy(event.currentTarget, async () => {
    const agreed = await confirmed({
      title: `Make a new key for ${one.name}?`, action: 'Rotate key',
      text: 'The old key stops at once: SDKs that still use it get 401 until they have the new one.',
    });
    if (!agreed) return;
    await post(`${where}/rotate-key`);
    await acknowledge();
    await load();
    toast('The new key is in force.');
  }, (error) => notice.fail(error)), { kind: 'edits' });
  const toggle = button(one.enabled ? 'Disable' : 'Enable', (event) => setEnabled(event.currentTarget, one), { kind: 'edits' });
  return [
    codeBlock('Write key', one.write_key).element,
    numbers.element,
    h('p', { class: 'hint' }, 'A write key is no secret: it lets its holder send events, nothing else. ', origin ?? ''),
    notice.element,
    h('div', { class: 'actions' }, origin ? null : rotate, toggle),
  ];
}

function settings(where, one, destinations, load, signal) {
  const name = text('name', 'Name', { value: one.name });
  const to = new Choices('Send its events to', destinations.map((each) => [each.id, each.name]), {
    chosen: one.destinations,
    hint: destinations.length === 0 ? h('a', { href: '#/destinations/add/wizard' }, 'Add a destination first.') : null,
  });
  const changes = () => ({ name: name.value, destinations: to.value });
  const preview = new Preview();
  const show = button('Show the change', (event) => form.run(async () => preview.show(await post(`${where}/preview`, changes())), event.currentTarget));
  const form = new Form([name, to, preview], submit('Save'), async () => {
    await patch(where, changes(), { revision: one.revision });
    form.settle();
    await acknowledge();
    await load();
    toast('Saved.', { undo: async () => {
      await patch(where, { name: one.name, destinations: one.destinations });
      await refresh();
    } });
  }, { label: 'Settings of the source', unsaved: signal, after: [show] });
  return form.element;
}

function removal(where, one) {
  const notice = new Notice();
  return h('div', { class: 'stack' },
    h('p', { class: 'hint' }, 'Its key stops to work. Events that it has sent stay and are delivered.'), notice.element,
    h('div', { class: 'actions' }, button('Remove source', (event) => busy(event.currentTarget, async () => {
      const agreed = await confirmed({
        title: `Remove ${one.name}?`, action: 'Remove',
        text: 'SDKs that use its key get 401. To stop it for a while, disable it instead.',
      });
      if (!agreed) return;
      await remove(where);
      await acknowledge();
      toast(`${one.name} is removed.`);
      forgetUnsaved();
      location.hash = '#/sources';
    }, (error) => notice.fail(error)), { kind: 'danger edits' })));
}
