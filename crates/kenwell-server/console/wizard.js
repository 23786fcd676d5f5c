// Adding a destination step by step: source, Redis, name, settings, done.
import { get, path, post } from './api.js';
import { Connection, connectionSettings } from './connection.js';
import { refresh } from './configuration.js';
import { button, linkButton, submit } from './controls.js';
import { fill, h } from './dom.js';
import { choice, text } from './fields.js';
import { Findings } from './findings.js';
import { Form } from './form.js';
import { box } from './notice.js';
import { testEvent } from './test_event.js';

const STEPS = ['Source', 'Type', 'Name', 'Settings', 'Done'];
const NEW = '';

export async function wizard(page) {
  const progress = h('ol', { class: 'steps', 'aria-label': 'Steps' });
  const place = h('div');
  page.root.append(page.title('Add a destination'), progress, place);
  const { sources } = await get('/sources', { signal: page.signal });
  const state = {
    sources, source: sources[0]?.id ?? NEW, sourceName: '', madeSource: null, name: '', id: '',
    connection: new Connection(await connectionSettings(page.signal)), findings: new Findings(), made: null,
  };
  const pages = [chooseSource, chooseType, chooseName, chooseSettings, done];
  const go = (number) => {
    fill(progress, STEPS.map((title, place) => h('li', {
      class: place < number ? 'past' : null, 'aria-current': place === number ? 'step' : null,
    }, title)));
    const heading = h('h2', { tabindex: '-1' });
    const card = h('section', { class: 'card wizard' }, heading);
    fill(place, card);
    pages[number](card, heading, state, go);
    if (number > 0) heading.focus();
  };
  go(0);
}

const back = (go, number) => button('Back', () => go(number), { kind: 'quiet' });

/** Who sends: one of the sources, or a new one. */
function chooseSource(card, heading, state, go) {
  heading.textContent = 'Choose a source';
  const options = [...state.sources.map((one) => [one.id, one.name]), [NEW, 'A new source…']];
  const name = text('source_name', 'Name of the new source', { value: state.sourceName, hint: 'For people, such as "Web site". Its write key is made for you.' });
  const adapt = () => { name.hidden = source.value !== NEW; };
  const source = choice('source', 'Source', options, {
    value: state.source, hint: 'Who sends the events that this destination gets.', onchange: adapt,
  });
  adapt();
  card.append(new Form([source, name], submit('Next'), (values) => {
    if (values.source === NEW && values.source_name.trim() === '') {
      name.fail('Give the new source a name.');
      name.control.focus();
      return;
    }
    state.source = values.source;
    state.sourceName = values.source_name.trim();
    go(1);
  }, { after: [linkButton('Cancel', '#/destinations', 'quiet')] }).element);
}

function chooseType(card, heading, state, go) {
  heading.textContent = 'Choose a type';
  const redis = h('label', { class: 'choice' },
    h('input', { type: 'radio', name: 'type', value: 'redis', checked: true }),
    h('span', {}, h('strong', {}, 'Redis'), h('span', { class: 'hint' }, 'Each user becomes a hash, user:<id>. Redis, Valkey, Redis Cluster and Sentinel.')));
  card.append(new Form([{ element: h('fieldset', { class: 'field' }, h('legend', {}, 'Type'), redis) }],
    submit('Next'), () => go(2), { after: [back(go, 0)] }).element);
}

function chooseName(card, heading, state, go) {
  heading.textContent = 'Give it a name';
  const name = text('name', 'Name', { value: state.name, hint: 'For people, such as "Profiles".', required: true });
  const id = text('id', 'Id', { value: state.id, hint: 'Made from the name when empty. Lower-case letters, digits and hyphens; it cannot be changed later.' });
  card.append(new Form([name, id], submit('Next'), (values) => {
    if (values.name.trim() === '') {
      name.fail('Give the destination a name.');
      name.control.focus();
      return;
    }
    state.name = values.name.trim();
    state.id = values.id.trim();
    go(3);
  }, { after: [back(go, 1)] }).element);
}

/** How the Redis is reached; tested before it is saved, if the person likes. */
function chooseSettings(card, heading, state, go) {
  heading.textContent = 'Connection settings';
  const { connection, findings } = state;
  const test = findings.testButton(() => form, () => connection.given);
  const form = new Form([...connection.layout, findings], submit('Save destination'), async () => {
    const source = await sourceOf(state);
    state.made = await post('/destinations', {
      name: state.name, ...(state.id ? { id: state.id } : {}), ...connection.given, sources: [source.id],
    });
    state.madeSource = source;
    await refresh();
    go(4);
  }, { after: [test, back(go, 2)] });
  card.append(form.element);
}

/** The chosen source; a new one is made once, also when saving is tried again. */
async function sourceOf(state) {
  if (state.source !== NEW) return state.sources.find((one) => one.id === state.source);
  const made = await post('/sources', { name: state.sourceName });
  state.sources = [...state.sources, made];
  state.source = made.id;
  return made;
}

function done(card, heading, state) {
  heading.textContent = `${state.made.name} is connected`;
  const { made, madeSource } = state;
  card.append(
    box('good', h('p', {}, `What ${madeSource.name} sends from now on arrives in ${made.address}.`)),
    h('h3', {}, 'Try it'), testEvent(madeSource, new Map([[made.id, made.name]])),
    h('div', { class: 'actions' },
      linkButton('Code for your program', `#/sources${path(madeSource.id)}`, 'primary'),
      linkButton('Watch live events', '#/live'), linkButton('All destinations', '#/destinations', 'quiet')));
}
