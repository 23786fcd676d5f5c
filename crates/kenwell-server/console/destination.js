// One destination: how it is doing, what can be done with it, and its settings.
import { get, LONG_PATIENCE, patch, path, post } from './api.js';
import { Connection, connectionSettings } from './connection.js';
import { acknowledge, onChange, refresh } from './configuration.js';
import { busy, button, submit } from './controls.js';
import { confirmed } from './dialog.js';
import { Preview } from './diff.js';
import { fill, h, say } from './dom.js';
import { check, text } from './fields.js';
import { Findings } from './findings.js';
import { Form } from './form.js';
import { keepFresh } from './fresh.js';
import { box, Notice, toast } from './notice.js';
import { count, plural } from './numbers.js';
import { setPaused } from './destinations.js';
import { every, newest } from './poll.js';
import { removeDestination } from './removal.js';
import { ofReplay } from './repetition.js';
import { explanation, imbalance, stateBadge } from './status.js';
import { facts } from './table.js';
import { duration, localInput } from './time.js';

const SECONDS = 2;

export async function destination(page) {
  const where = `/destinations${path(page.parameters.id)}`;
  const place = h('div', { class: 'stack' });
  page.root.append(page.title(page.parameters.id), place);
  const ask = (signal) => get(where, { signal });
  const [fields, first] = await Promise.all([connectionSettings(page.signal), ask(page.signal)]);
  page.rename(first.name);
  const status = statusPart(first);
  const settings = h('section', { class: 'card' });
  let now = first;
  const again = replay(where, () => now);
  const take = (one) => {
    now = one;
    status.update(one);
    again.update(one);
    page.rename(one.name);
  };
  const look = newest(page.signal, ask, take);
  const fresh = keepFresh(page, settings, {
    ask, revisionOf: (one) => one.revision, show: (one, signal) => {
      look.forget();
      take(one);
      fill(settings, ...settingsPart(where, fields, one, fresh, signal));
    },
  });
  fresh.put(first);
  fill(place, status.element, settings,
    h('section', { class: 'card' }, h('h2', {}, 'Deliver again'), again.element),
    h('section', { class: 'card' }, h('h2', {}, 'Remove'), removal(() => now, page)));
  // What goes wrong is said by the next look.
  onChange(page.signal, () => look().catch(() => {}));
  every(SECONDS, page.signal, look, status.fail);
}

/** State, numbers, and pause. */
function statusPart(first) {
  let now = first;
  const state = stateBadge();
  const alarm = h('div', { role: 'alert', class: 'box bad', hidden: true });
  const why = h('p', { class: 'why reserved' });
  const names = [['accepted', 'Accepted'], ['written', 'Written'], ['ignored', 'Ignored'], ['dead_lettered', 'Dead-lettered'], ['lost', 'Lost'], ['queued', 'Queued']];
  const values = Object.fromEntries(names.map(([name]) => [name, h('span', {}, '–')]));
  const lag = h('span', {}, '–');
  const toggle = button('Pause', (event) => setPaused(event.currentTarget, now), { kind: 'edits' });
  const element = h('section', { class: 'card', 'aria-label': 'State' }, alarm,
    h('div', { class: 'heading' }, h('h2', {}, 'State ', state.element), toggle),
    facts([...names.map(([name, title]) => [title, values[name]]), ['Lag', lag]]), why);
  const update = (one) => {
    now = one;
    state.update(one.status);
    for (const [name] of names) say(values[name], count(one.status[name]));
    say(lag, duration(one.status.lag_seconds));
    say(why, explanation(one.status));
    say(toggle, one.paused ? 'Resume' : 'Pause');
    toggle.hidden = !one.enabled;
    say(alarm, imbalance(one.status));
    alarm.hidden = one.status.balanced;
  };
  update(first);
  return { element, update, fail: (error) => say(why, error.message) };
}

function settingsPart(where, fields, one, fresh, signal) {
  let base = one;
  const connection = new Connection(fields, one);
  const findings = new Findings(connection);
  const name = text('name', 'Name', { value: one.name });
  const enabled = check('enabled', 'Enabled', { checked: one.enabled, hint: 'A disabled destination gets no events, not even later. What waits for it already is kept.' });
  const heal = check('heal', 'Restore what Redis loses', { checked: one.heal, hint: 'After a restart or failover that lost writes, what the journal still has is delivered again.' });
  const test = findings.testButton(() => form, () => ({ ...connection.changes, id: one.id }));
  const changed = (values) => ({
    ...connection.changes, ...Object.fromEntries(['name', 'enabled', 'heal'].filter((key) => values[key] !== base[key]).map((key) => [key, values[key]])),
  });
  const preview = new Preview();
  const show = preview.button(() => form, (values) => post(`${where}/preview`, changed(values)));
  const form = new Form([name, enabled, heal, ...connection.layout, findings, preview], submit('Save'), async (values) => {
    const changes = changed(values);
    if (changes.enabled === false && !await mayDisable(base)) return;
    if (Object.keys(changes).length === 0) {
      form.say('plain', h('p', {}, 'Nothing is different from what is in force.'));
      return;
    }
    const [before, sent] = [base, form.print()];
    base = await patch(where, changes, { revision: before.revision });
    form.settle(sent);
    toast('Saved, and in force.', { undo: undoOf(where, before, changes, fields, base.revision) });
    connection.rebase(base);
    // Who has typed on meanwhile goes on from what is saved.
    if (form.isChanged) fresh.adopt(base);
    else fresh.put(base);
    await acknowledge();
  }, { label: 'Settings of the destination', after: [test, show], unsaved: signal });
  return [h('h2', {}, 'Settings'), one.skip_verify ? box('warn', h('p', {}, 'Nobody checks the certificate of this Redis.')) : null, form.element];
}

/**
 * Takes a change back, unless somebody has changed something else there since `revision`; undefined where a secret was changed,
 * which nobody knows any more.
 */
function undoOf(where, one, changes, fields, revision) {
  const secrets = fields.filter((field) => field.secret).map((field) => field.name);
  const names = Object.keys(changes);
  if (names.some((name) => secrets.includes(name))) return undefined;
  return async () => {
    await patch(where, Object.fromEntries(names.map((name) => [name, isNothing(one[name]) ? null : one[name]])), { revision });
    await refresh();
  };
}

/** What the file does not have to say. */
const isNothing = (value) => value === undefined || value === null || ['""', '{}', '[]'].includes(JSON.stringify(value));

/** What happens meanwhile is not made up for, so this one asks. */
const mayDisable = (one) => confirmed({
  title: `Disable ${one.name}?`, action: 'Disable',
  text: ['Events that come while it is disabled are not delivered to it, not even later.', 'To have them wait, pause it instead.'],
});

/** Delivering again. `now()` is the destination, and `update(destination)` shows of it what matters here. */
function replay(where, now) {
  const does = h('p', { class: 'hint' });
  const from = text('from', 'From', {
    type: 'datetime-local', step: '1', value: localInput(new Date(Date.now() - 3_600_000)), hint: 'In your time zone.',
  });
  const form = new Form([{ element: does }, from], submit('Deliver again', ''), async (values) => {
    const date = new Date(values.from);
    if (Number.isNaN(date.getTime())) {
      from.fail('Choose a day and a time.');
      return;
    }
    const agreed = await confirmed({
      title: `Deliver again to ${now().name}?`, action: 'Deliver again', kind: 'primary',
      text: `Everything since ${date.toLocaleString()} is written once more. New events wait behind it. ${ofReplay(now().order)}`,
    });
    if (!agreed) return;
    const { records } = await post(`${where}/replay`, { from: date.toISOString() }, LONG_PATIENCE);
    form.say('good', h('p', {}, `${plural(records, 'record')} will be delivered again.`));
  }, { label: 'Deliver again' });
  return { element: form.element, update: ({ order }) => say(does, `Events that the journal still has are written once more, in order. ${ofReplay(order)}`) };
}

function removal(now, page) {
  const notice = new Notice();
  return h('div', { class: 'stack' },
    h('p', { class: 'hint' }, 'What is in Redis stays there. What is still queued is delivered first; where that cannot be, you are asked.'),
    notice.element,
    h('div', { class: 'actions' }, button('Remove destination', (event) => busy(event.currentTarget, async () => {
      const { id, name } = now();
      if (!await removeDestination({ id, name })) return;
      toast(`${name} is removed.`);
      page.leaveFor('#/destinations');
    }, (error) => notice.fail(error)), { kind: 'danger edits' })));
}
