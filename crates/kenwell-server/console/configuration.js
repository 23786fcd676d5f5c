// The configuration as a whole: what is wrong with the file, and whether it may be changed from here.
import { get } from './api.js';
import { h, refill } from './dom.js';
import { box, problemList } from './notice.js';
import { every } from './poll.js';
import { plural } from './numbers.js';

const SECONDS = 3;
const watchers = new Set();
let current = null;
/** How often it was asked for, and which of these the current one answers. */
let asked = 0;
let answered = 0;

/** Calls `task` whenever the file becomes another one, until the page is left. */
export function onChange(signal, task) {
  watchers.add(task);
  signal.addEventListener('abort', () => watchers.delete(task), { once: true });
}

/**
 * After a change: asks for it at once, and tells every watcher when it has changed. What goes wrong is said by the next look,
 * and takes nothing back of what was changed.
 */
export const refresh = () => look().catch(() => {});

/** After a change made by the page itself, which shows it by itself: takes the new revision and tells nobody. */
export const acknowledge = () => ask().catch(() => {});

async function look() {
  const before = current?.revision;
  await ask();
  if (before !== undefined && before !== current.revision) for (const task of watchers) task();
}

async function ask() {
  asked += 1;
  const mine = asked;
  const answer = await get('/configuration');
  // What was asked for earlier may come later: it is out of date.
  if (mine < answered) return;
  answered = mine;
  current = answer;
  document.documentElement.toggleAttribute('data-read-only', !current.writable);
}

/** Watches the file for the whole life of the console, and shows what a person should know in `place`. */
export function watch(place, signal) {
  every(SECONDS, signal, async () => {
    await look();
    refill(place, ...warnings(current));
  }, (error) => refill(place, box('bad', h('p', {}, error.message,
    error.code === 'signed_out' ? [' ', h('a', { href: '/', target: '_blank' }, 'Sign in')] : null))));
}

/** Boxes about the file; none when all is well. */
function warnings(state) {
  const boxes = [];
  if (state.problems.length) {
    boxes.push(box('bad',
      h('p', {}, h('strong', {}, `${state.path} has ${plural(state.problems.length, 'problem')}`),
        ' and is not used. Kenwell goes on with the configuration from before. Correct the file; it is read again by itself.'),
      problemList(state.problems)));
  }
  if (!state.writable) {
    boxes.push(box('warn', h('p', {}, h('strong', {}, 'Changes are off: '),
      state.read_only_reason ?? `${state.path} cannot be written.`)));
  }
  if (state.needs_restart.length) {
    boxes.push(box('warn', h('p', {}, h('strong', {}, 'Restart Kenwell '), 'to put these into effect: ',
      state.needs_restart.flatMap((setting, place) => [place ? ', ' : null, h('code', {}, setting)]), '.')));
  }
  return boxes;
}
