// What is said to the person: boxes on the page, and short notes that go away.
import { fill, h, refill } from './dom.js';

const TOASTS = 3;
const SECONDS = 8;
const UNDO_SECONDS = 20;

/** A box with a sentence: `good`, `warn`, `bad` or `plain`. */
export function box(kind, ...children) {
  return h('div', { class: `box ${kind}` }, children);
}

/** An error as a box, with the problems that it lists. */
export function errorBox(error) {
  return h('div', { class: 'box bad', role: 'alert' }, errorLines(error));
}

/** Shows errors of a task that is repeated; that nobody answers is said once, above every page. */
export const failureIn = (place) => (error) => {
  if (error.code !== 'unreachable') refill(place, errorBox(error));
};

/** A sentence of the server, with what stands between backticks as code. */
export function prose(text) {
  return text.split(/`([^`]*)`/).map((part, place) => (place % 2 === 1 ? h('code', {}, part) : part));
}

/** The sentences of an error. */
function errorLines(error) {
  return [h('p', {}, prose(error.message)), error.problems?.length ? problemList(error.problems) : null];
}

/** Problems of the configuration, each with its setting and line. */
export function problemList(problems) {
  return h('ul', { class: 'problems' }, problems.map((problem) => h('li', {},
    problem.setting ? h('code', {}, problem.setting) : null,
    problem.line ? ` (line ${problem.line})` : null,
    problem.setting || problem.line ? ': ' : null,
    prose(problem.message))));
}

/** A place for results near what caused them; screen readers hear what is put in. */
export class Notice {
  element = h('div', { class: 'notice', role: 'status' });

  clear() {
    fill(this.element);
  }

  show(kind, ...children) {
    fill(this.element, box(kind, ...children));
  }

  fail(error) {
    this.show('bad', errorLines(error));
  }
}

/**
 * Says something in the corner for a few seconds. With `undo`, a task, it has a button that takes back what was done; it
 * stays longer then, and as long as somebody points at it or has the focus in it.
 */
export function toast(text, { undo } = {}) {
  const place = document.getElementById('toasts');
  const note = h('div', { class: 'toast' }, h('p', {}, text), undo ? undoButton(undo, () => note.remove()) : null);
  while (place.children.length >= TOASTS) place.firstElementChild.remove();
  place.append(note);
  const end = () => {
    if (note.matches(':hover, :focus-within')) setTimeout(end, SECONDS * 1000);
    else note.remove();
  };
  setTimeout(end, (undo ? UNDO_SECONDS : SECONDS) * 1000);
}

/** Does `undo` once, and says what goes wrong with it. */
function undoButton(undo, close) {
  return h('button', { type: 'button', class: 'button small undo', onclick: async (event) => {
    if (event.currentTarget.getAttribute('aria-disabled') === 'true') return;
    event.currentTarget.setAttribute('aria-disabled', 'true');
    try {
      await undo();
      toast('Undone.');
    } catch (error) {
      toast(error.message);
    }
    close();
  } }, 'Undo');
}

/** What an empty list says: that it is empty, and the next step. */
export function emptyState(title, text, ...actions) {
  return h('div', { class: 'empty' },
    h('h2', {}, title), h('p', {}, text), actions.length ? h('div', { class: 'actions' }, actions) : null);
}
