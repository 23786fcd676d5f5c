// Adding a destination step by step: source, Redis, name, settings, done.
import { get, path, post, query, remove } from './api.js';
import { Connection, connectionSettings } from './connection.js';
import { refresh } from './configuration.js';
import { button, linkButton, submit } from './controls.js';
import { fill, h, refill, say } from './dom.js';
import { choice, text } from './fields.js';
import { Preview } from './diff.js';
import { Findings } from './findings.js';
import { Form } from './form.js';
import { box, failureIn, toast } from './notice.js';
import { plural } from './numbers.js';
import { every } from './poll.js';
import { explanation } from './status.js';
import { testEvent } from './test_event.js';
import { watchUnsaved } from './unsaved.js';

const STEPS = ['Source', 'Type', 'Name', 'Settings', 'Done'];
/** The steps as the address names them. */
const NAMES = STEPS.map((title) => title.toLowerCase());
const [SOURCE, TYPE, NAME, SETTINGS, DONE] = STEPS.keys();
const NEW = '';
/** How often it is asked whether the Redis has answered. */
const SECONDS = 1;

export async function wizard(page) {
  const progress = h('ol', { class: 'steps', 'aria-label': 'Steps' });
  const place = h('div');
  page.root.append(page.title('Add a destination'), progress, place);
  const [{ sources }, settings, { retired }] = await Promise.all([get('/sources', { signal: page.signal }),
    connectionSettings(page.signal), get(`/destinations${query({ limit: 1 })}`, { signal: page.signal })]);
  let state = begin(sources, settings, page.query);
  state.retired = retired;
  place.addEventListener('input', () => { state.isTouched = true; });
  watchUnsaved(page.signal, () => state.isTouched && state.made === null);
  const pages = [chooseSource, chooseType, chooseName, chooseSettings, done];
  let step = new AbortController();
  const show = (number) => {
    step.abort();
    step = new AbortController();
    fill(progress, STEPS.map((title, place) => h('li', {
      class: place < number ? 'past' : null, 'aria-current': place === number ? 'step' : null,
    }, title)));
    const heading = h('h2', { tabindex: '-1' });
    const card = h('section', { class: 'card wizard' }, heading);
    fill(place, card);
    pages[number](card, heading, state, go, AbortSignal.any([page.signal, step.signal]));
    if (number > SOURCE || state.isTouched) heading.focus();
  };
  const go = {
    to: (number) => {
      page.step(wordsOf(state, number));
      show(number);
    },
    back: (number) => page.back(wordsOf(state, number)),
    /** Nothing before this can be gone back to: it is made. */
    done: () => {
      page.replace(wordsOf(state, DONE));
      show(DONE);
    },
    /** What was made is gone again: nothing is left to be shown here, unless another one was begun. */
    undone: (made) => {
      if (state.made === made) page.leaveFor('#/destinations');
    },
  };
  /** What was made last, which Forward shows again. */
  let last = null;
  page.follow = () => {
    const number = reached(state, page.query);
    if (state.made && number < DONE) {
      last = state;
      state = { ...begin(state.sources, settings, new URLSearchParams()), retired };
    } else if (!state.isTouched && page.query.get('step') === NAMES[DONE] && page.query.get('destination') === last?.made.id) {
      state = last;
    }
    show(reached(state, page.query));
  };
  if (page.query.get('step') === NAMES[DONE]) await takeUp(state, page);
  show(reached(state, page.query));
}

/** What is chosen so far: what the address says, which is all but the connection's settings. */
function begin(sources, settings, words) {
  const isKnown = sources.some((one) => one.id === words.get('source'));
  const connection = new Connection(settings);
  const usual = words.has('source_name') ? NEW : sources[0]?.id ?? NEW;
  return {
    sources, source: isKnown ? words.get('source') : usual, sourceName: words.get('source_name') ?? '', name: words.get('name') ?? '',
    id: words.get('id') ?? '', connection, findings: new Findings(connection), made: null, madeSource: null, isTouched: false,
  };
}

/** The address of a step. */
const wordsOf = (state, number) => (number === DONE ? { step: NAMES[DONE], destination: state.made.id, source: state.madeSource.id } : {
  step: number === SOURCE ? '' : NAMES[number], source: state.source, source_name: state.source === NEW ? state.sourceName : '', name: state.name, id: state.id,
});

/** The step that the address names, or the one before it where something is still missing. */
function reached(state, words) {
  const asked = Math.max(SOURCE, NAMES.indexOf(words.get('step') ?? ''));
  if (state.made) return asked;
  if (asked > SOURCE && state.source === NEW && state.sourceName === '') return SOURCE;
  if (asked > NAME && state.name === '') return NAME;
  return Math.min(asked, SETTINGS);
}

/** The last step, opened again: the destination is there already. */
async function takeUp(state, page) {
  const source = state.sources.find((one) => one.id === page.query.get('source'));
  const id = page.query.get('destination');
  if (!source || !id) return;
  try {
    state.made = await get(`/destinations${path(id)}`, { signal: page.signal });
    state.madeSource = source;
  } catch (error) {
    if (error.code !== 'no_destination') throw error;
  }
}

const back = (go, number) => button('Back', () => go.back(number), { kind: 'quiet' });

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
    go.to(TYPE);
  }, { after: [linkButton('Cancel', '#/destinations', 'quiet')] }).element);
}

function chooseType(card, heading, state, go) {
  heading.textContent = 'Choose a type';
  const redis = h('label', { class: 'choice' },
    h('input', { type: 'radio', name: 'type', value: 'redis', checked: true }),
    h('span', {}, h('strong', {}, 'Redis'), h('span', { class: 'hint' }, 'Each user becomes a hash, user:<id>. Redis, Valkey, Redis Cluster and Sentinel.')));
  card.append(new Form([{ element: h('fieldset', { class: 'field' }, h('legend', {}, 'Type'), redis) }],
    submit('Next'), () => go.to(NAME), { after: [back(go, SOURCE)] }).element);
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
    go.to(SETTINGS);
  }, { after: [back(go, TYPE)] }).element);
}

/** How the Redis is reached; tested before it is saved, if the person likes. */
function chooseSettings(card, heading, state, go) {
  heading.textContent = 'Connection settings';
  const { connection, findings } = state;
  const waits = state.retired.find((one) => one.id === state.id);
  if (waits) {
    card.append(box('plain', h('p', {}, `${plural(waits.queued, 'event')} ${waits.queued === 1 ? 'waits' : 'wait'} for ${state.id}. `
      + 'They are delivered as soon as it is saved, with the settings that stand here.')));
  }
  const given = (sources) => ({ name: state.name, ...(state.id ? { id: state.id } : {}), ...connection.given, sources });
  const preview = new Preview();
  const test = findings.testButton(() => form, () => connection.given);
  const show = preview.button(() => form, () => post('/destinations/preview', given(state.source === NEW ? [] : [state.source])));
  const form = new Form([...connection.layout, findings, preview], submit('Save destination'), async () => {
    const source = await sourceOf(state);
    const made = await post('/destinations', given([source.id]));
    state.made = made;
    state.madeSource = source;
    go.done();
    toast(`${made.name} is saved.`, { undo: () => unmake(made, go) });
    await refresh();
  }, { after: [test, show, back(go, NAME)] });
  card.append(form.element);
}

/**
 * Takes a destination back that was just made, unless somebody has changed it since. What waits for it is delivered first; where
 * it cannot be, it stays.
 */
async function unmake(made, go) {
  const { id, name, revision } = made;
  try {
    await remove(`/destinations${path(id)}`, { revision });
  } catch (error) {
    if (error.code !== 'events_waiting') throw error;
    throw new Error(`${name} stays: ${plural(error.events, 'event')} ${error.events === 1 ? 'waits' : 'wait'} for it that it has not taken. Change its settings, or pause it.`);
  }
  go.undone(made);
  await refresh();
}

/** The chosen source; a new one is made once, also when saving is tried again. */
async function sourceOf(state) {
  if (state.source !== NEW) return state.sources.find((one) => one.id === state.source);
  const made = await post('/sources', { name: state.sourceName });
  state.sources = [...state.sources, made];
  state.source = made.id;
  return made;
}

/** It is connected once its Redis has answered; until then what is known of it is said. */
function done(card, heading, state, go, signal) {
  const { made, madeSource } = state;
  const said = h('div', { role: 'status' });
  heading.textContent = `${made.name} is saved`;
  card.append(
    said, h('h3', {}, 'Try it'), testEvent(madeSource, new Map([[made.id, made.name]])),
    h('div', { class: 'actions' },
      linkButton('Code for your program', `#/sources${path(madeSource.id)}`, 'primary'),
      linkButton('Watch live events', '#/live'), linkButton('All destinations', '#/destinations', 'quiet')));
  every(SECONDS, signal, async () => {
    const { status } = await get(`/destinations${path(made.id)}`, { signal });
    say(heading, status.state === 'up' ? `${made.name} is connected` : `${made.name} is saved`);
    refill(said, verdict(status, made, madeSource));
  }, failureIn(said));
}

function verdict(status, made, source) {
  if (status.state === 'up') return box('good', h('p', {}, `What ${source.name} sends from now on arrives in ${made.address}.`));
  if (status.state === 'connecting') return box('plain', h('p', {}, `${made.address} is being reached. What ${source.name} sends meanwhile is kept.`));
  return box('warn', h('p', {}, `${made.address} is not reached. What ${source.name} sends is kept until it is. ${explanation(status)}`),
    h('div', { class: 'actions' }, linkButton('Change the settings', `#/destinations${path(made.id)}`, 'small')));
}
