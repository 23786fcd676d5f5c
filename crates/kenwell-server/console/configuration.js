// The configuration as a whole: what is wrong with the file, and whether it may be changed from here.
import { get } from './api.js';
import { fill, h } from './dom.js';
import { box, problemList } from './notice.js';
import { every } from './poll.js';
import { plural } from './numbers.js';

const SECONDS = 3;
const watchers = new Set();
let current = null;

/** Calls `task` whenever the file becomes another one, until the page is left. */
export function onChange(signal, task) {
  watchers.add(task);
  signal.addEventListener('abort', () => watchers.delete(task), { once: true });
}

/** Asks for it at once, and tells every watcher when it has changed. */
export async function refresh() {
  const before = current?.revision;
  await acknowledge();
  if (before !== undefined && before !== current.revision) for (const task of watchers) task();
}

/** After a change made by the page itself, which shows it by itself: takes the new revision and tells nobody. */
export async function acknowledge() {
  current = await get('/configuration');
  document.documentElement.toggleAttribute('data-read-only', !current.writable);
}

/** Watches the file for the whole life of the console, and shows what a person should know in `place`. */
export function watch(place, signal) {
  every(SECONDS, signal, async () => {
    await refresh();
    fill(place, ...warnings(current));
  }, (error) => fill(place, box('bad', h('p', {}, error.message,
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
