// One source: its key, where its events go, code to paste, and a test event.
import { get, patch, path, post, remove } from './api.js';
import { acknowledge, onChange, refresh } from './configuration.js';
import { busy, button, codeBlock, submit, tabs } from './controls.js';
import { confirmed } from './dialog.js';
import { Preview } from './diff.js';
import { fill, h, say } from './dom.js';
import { keepFresh } from './fresh.js';
import { Choices, text } from './fields.js';
import { Form } from './form.js';
import { failureIn, Notice, toast } from './notice.js';
import { count } from './numbers.js';
import { every, newest } from './poll.js';
import { SNIPPETS } from './snippets.js';
import { setEnabled, sourceState } from './sources.js';
import { stateBadge } from './status.js';
import { facts } from './table.js';
import { testEvent } from './test_event.js';
import { setTime, time } from './time.js';

const SECONDS = 5;

export async function source(page) {
  const where = `/sources${path(page.parameters.id)}`;
  const place = h('div', { class: 'stack' });
  page.root.append(page.title(page.parameters.id), place);
  const ask = (signal) => Promise.all([where, '/overview', '/destinations'].map((what) => get(what, { signal })));
  const first = await ask(page.signal);
  const take = (one) => {
    parts.update(one);
    form.renew(one);
  };
  const look = newest(page.signal, (signal) => get(where, { signal }), take);
  /** What is shown beside the settings, in which somebody may be typing. */
  const parts = partsOf(where, first, page, (one) => {
    look.forget();
    take(one);
  });
  const card = h('section', { class: 'card' });
  let form = null;
  const fresh = keepFresh(page, card, {
    ask, revisionOf: ([one]) => edited(one),
    othersOf: ([, state, { destinations }]) => JSON.stringify([state.gateway_url, destinations.map(({ id, name }) => [id, name])]),
    show: (answer, signal) => {
      look.forget();
      parts.update(...answer);
      form = settings(where, answer, fresh, signal);
      fill(card, h('h2', {}, 'Settings'), form.element);
    },
  });
  fresh.put(first);
  fill(place, ...parts.above, card, parts.removal);
  // What goes wrong is said by the next look.
  onChange(page.signal, () => look().catch(() => {}));
  every(SECONDS, page.signal, look, parts.fail);
}

/** What the settings are about: only who changes this is in the way of somebody who types there. */
const edited = (one) => JSON.stringify([one.name, one.destinations]);

/** The parts that show the source as it is at every moment; what they make of it they tell `changed(source)`. */
function partsOf(where, [one, { gateway_url: url }], page, changed) {
  let now = one;
  let address = url;
  const names = new Map();
  const update = (next, state, list) => {
    now = next;
    address = state?.gateway_url ?? address;
    for (const { id, name } of list?.destinations ?? []) names.set(id, name);
    page.rename(next.name);
    numbers.update(next);
    key.update(next);
    code.update(address, next.write_key);
  };
  const numbers = currentNumbers(changed);
  const key = keyPart(where, () => now, numbers, changed);
  const code = snippets(url, one.write_key);
  return { update, fail: numbers.fail, above: [
    h('section', { class: 'card' }, h('h2', {}, 'Write key'), ...key.elements),
    h('section', { class: 'card' }, h('h2', {}, 'Send from your program'), ...code.elements),
    h('section', { class: 'card' }, h('h2', {}, 'Send a test event'), testEvent(one, names)),
  ], removal: h('section', { class: 'card' }, h('h2', {}, 'Remove'), removal(where, () => now, page)) };
}

/** Code to paste; the language that was chosen stays. */
function snippets(url, key) {
  let [now, chosen, block] = [[url, key], '', null];
  const address = h('code', {}, url);
  const languages = tabs('Languages', Object.keys(SNIPPETS), (name, panel) => {
    chosen = name;
    block = codeBlock(`${name} code`, SNIPPETS[name](...now));
    fill(panel, block.element);
  });
  return { elements: [
    h('p', { class: 'hint' }, 'SDKs send to ', address, '. Where clients reach it by another address, use that one.'), languages,
  ], update: (...next) => {
    now = next;
    say(address, next[0]);
    block.update(SNIPPETS[chosen](...next));
  } };
}

const ORIGINS = {
  environment: 'It comes from an environment variable; change it there.',
  secret_file: 'It comes from a file of its own; change it there.',
};

/** What changes by itself: the state with the button for it, which tells `changed(source)`, and what has come in. */
function currentNumbers(changed) {
  let now = null;
  const state = stateBadge();
  const accepted = h('span');
  const seen = time(null);
  const problem = h('div');
  const element = h('div', {}, problem, facts([['State', state.element], ['Accepted', accepted], ['Last seen', seen]]));
  const toggle = button('', (event) => setEnabled(event.currentTarget, now, changed), { kind: 'edits' });
  return { element, toggle, fail: failureIn(problem), update: (one) => {
    now = one;
    fill(problem);
    state.update(sourceState(one));
    say(accepted, count(one.accepted));
    setTime(seen, one.last_seen_at, 'never');
    say(toggle, one.enabled ? 'Disable' : 'Enable');
  } };
}

/** The write key. `now()` is the source; `changed(source)` is told of the one with another key. */
function keyPart(where, now, numbers, changed) {
  const notice = new Notice();
  const code = codeBlock('Write key', '');
  const origin = h('span');
  const rotate = button('Rotate key', (event) => busy(event.currentTarget, async () => {
    const agreed = await confirmed({
      title: `Make a new key for ${now().name}?`, action: 'Rotate key',
      text: 'The old key stops at once: SDKs that still use it get 401 until they have the new one.',
    });
    if (!agreed) return;
    changed(await post(`${where}/rotate-key`));
    toast('The new key is in force.');
    await refresh();
  }, (error) => notice.fail(error)), { kind: 'edits' });
  return { elements: [
    code.element,
    numbers.element,
    h('p', { class: 'hint' }, 'A write key is no secret: it lets its holder send events, nothing else. ', origin),
    notice.element,
    h('div', { class: 'actions' }, rotate, numbers.toggle),
  ], update: (one) => {
    code.update(one.write_key);
    say(origin, ORIGINS[one.write_key_from] ?? '');
    rotate.hidden = origin.textContent !== '';
  } };
}

/** The form. `renew(source)` tells it of a source whose key or state is another, so that it can still be saved. */
function settings(where, [first, state, { destinations }], fresh, signal) {
  let base = first;
  const name = text('name', 'Name', { value: first.name });
  const to = new Choices('Send its events to', destinations.map((each) => [each.id, each.name]), {
    chosen: first.destinations,
    hint: destinations.length === 0 ? h('a', { href: '#/destinations/add/wizard' }, 'Add a destination first.') : null,
  });
  const changes = () => ({ name: name.value, destinations: to.value });
  const preview = new Preview();
  const show = preview.button(() => form, () => post(`${where}/preview`, changes()));
  const form = new Form([name, to, preview], submit('Save'), async () => {
    const [before, sent] = [base, form.print()];
    base = await patch(where, changes(), { revision: before.revision });
    form.settle(sent);
    toast('Saved.', { undo: undoOf(where, before, base.revision) });
    const answer = [base, state, { destinations }];
    // Who has typed on meanwhile goes on from what is saved.
    if (form.isChanged) fresh.adopt(answer);
    else fresh.put(answer);
    await acknowledge();
    // While something was typed, the list of destinations stayed as it was.
    await fresh.follow();
  }, { label: 'Settings of the source', unsaved: signal, after: [show] });
  return { element: form.element, renew: (one) => {
    if (edited(one) === edited(base)) base = one;
  } };
}

/** Takes a change of the settings back, unless the source was changed since `revision`. */
const undoOf = (where, { name, destinations }, revision) => async () => {
  await patch(where, { name, destinations }, { revision });
  await refresh();
};

function removal(where, now, page) {
  const notice = new Notice();
  return h('div', { class: 'stack' },
    h('p', { class: 'hint' }, 'Its key stops working. Events that it has sent stay and are delivered.'), notice.element,
    h('div', { class: 'actions' }, button('Remove source', (event) => busy(event.currentTarget, async () => {
      const agreed = await confirmed({
        title: `Remove ${now().name}?`, action: 'Remove',
        text: 'SDKs that use its key get 401. To stop it for a while, disable it instead.',
      });
      if (!agreed) return;
      await remove(where);
      await acknowledge();
      toast(`${now().name} is removed.`);
      page.leaveFor('#/sources');
    }, (error) => notice.fail(error)), { kind: 'danger edits' })));
}
