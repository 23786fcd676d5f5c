// One event of the tail: a line, and inside it the event, the reason and the command.
import { linkButton } from './controls.js';
import { fill, h, say } from './dom.js';
import { commandText, HIDDEN, jsonText, userText } from './personal.js';
import { outcomeBadge } from './status.js';
import { time } from './time.js';

/** A line of the list. `view` is `{ masked, known }`; `mask(view)` changes what is hidden. */
export function eventRow(seen, view) {
  const user = h('span', { class: 'user' });
  const body = h('div', { class: 'body' });
  const details = h('details', { ontoggle: () => { if (details.open) show(); } },
    h('summary', {},
      h('span', { class: 'at' }, time(seen.at)), outcomeBadge(seen.outcome), h('span', { class: 'kind' }, seen.type),
      user, h('span', { class: 'route' }, route(seen))), body);
  let now = view;
  const mask = (next) => {
    now = next;
    say(user, userText(seen.user_id, now));
    if (details.open) show();
  };
  function show() {
    fill(body, ...contents(seen, now));
  }
  mask(view);
  return { element: h('li', { class: 'event' }, details), mask };
}

const route = (seen) => (seen.destination ? `${seen.source} → ${seen.destination}` : seen.source);

/** Why, what would be typed in Redis, and the event itself. */
function contents(seen, view) {
  const { masked } = view;
  return [
    h('p', {}, explain(seen)),
    seen.command ? part('Redis command', commandText(seen.command, view)) : null,
    part('Event', jsonText(seen.event, view)),
    masked ? h('p', { class: 'hint' }, `${HIDDEN} stands for a personal value; "Show personal values" above shows them.`)
      : seen.user_id !== null && seen.destination
        ? linkButton('Open profile', `#/profiles?destination=${encodeURIComponent(seen.destination)}&user=${encodeURIComponent(seen.user_id)}`, 'quiet small')
        : null,
  ];
}

function part(title, content) {
  return h('div', {}, h('h3', {}, title), h('pre', { tabindex: '0', role: 'region', 'aria-label': title }, h('code', {}, content)));
}

function explain(seen) {
  if (seen.reason) return seen.reason;
  switch (seen.outcome) {
    case 'written': return 'Written to the user\'s hash.';
    case 'accepted': return 'On disk; on its way to the destinations.';
    case 'dead_lettered': return 'Redis refused it for good.';
    default: return 'It has nothing to write.';
  }
}
