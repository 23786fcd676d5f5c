// One event of the live page: a line, and inside it what became of it at each destination, and the event itself.
import { changesSentence, changesText } from './changes.js';
import { linkButton } from './controls.js';
import { fill, h, say } from './dom.js';
import { count } from './numbers.js';
import { commandText, HIDDEN, jsonText, userText } from './personal.js';
import { outcomeBadge } from './status.js';
import { time } from './time.js';

/** A row. What the stream says of one event, first by the gateway and then for each destination, comes into the same one. */
export class EventRow {
  #first;
  /** What was seen, by destination; the gateway's has the name ''. */
  #seen = new Map();
  #view;
  #user = h('span', { class: 'user' });
  #outcomes = h('span', { class: 'outcomes' });
  #route = h('span', { class: 'route' });
  #body = h('div', { class: 'body' });
  #details;

  /** `key` is the event's; `view` is `{ masked, known }`. */
  constructor(key, seen, view) {
    this.key = key;
    this.#first = seen;
    this.#view = view;
    this.#details = h('details', { ontoggle: () => { if (this.#details.open) this.#show(); } },
      h('summary', {}, h('span', { class: 'at' }, time(seen.at)), this.#outcomes, h('span', { class: 'kind' }, seen.type),
        this.#user, this.#route), this.#body);
    this.element = h('li', { class: 'event' }, this.#details);
    this.add(seen);
    this.mask(view);
  }

  /** Whether nothing is known of this destination yet: an event that is sent or delivered again is another row. */
  takes(seen) {
    return !this.#seen.has(seen.destination ?? '');
  }

  add(seen) {
    this.#seen.set(seen.destination ?? '', seen);
    const told = this.#told;
    const outcomes = Map.groupBy(told, (one) => one.outcome);
    fill(this.#outcomes, ...[...outcomes].map(([outcome, all]) => outcomeBadge(outcome, all.length > 1 ? ` ${count(all.length)}` : '')));
    say(this.#route, route(this.#first.source, told));
    if (this.#details.open) this.#show();
  }

  /** Changes what is hidden. */
  mask(view) {
    this.#view = view;
    say(this.#user, userText(this.#first.user_id, view));
    if (this.#details.open) this.#show();
  }

  /** Whether somebody has it open, or the focus in it. */
  get isRead() {
    return this.#details.open || this.element.contains(document.activeElement);
  }

  get top() {
    return this.element.getBoundingClientRect().top;
  }

  /** What became of it; that it was accepted is told until something more is known. */
  get #told() {
    const all = [...this.#seen.values()];
    const ended = all.filter((one) => one.outcome !== 'accepted');
    return ended.length > 0 ? ended : all;
  }

  #show() {
    fill(this.#body, ...this.#told.map((seen) => outcomePart(seen, this.#view)), ...eventPart(this.#told.at(-1), this.#view));
  }
}

/** What tells an event from others: whom it is about, and the id that its sender gave it, or else all of it that is told. */
export const keyOf = (seen) => JSON.stringify([seen.source, seen.user_id, seen.event?.messageId ?? seen.event]);

function route(source, told) {
  const names = told.map((one) => one.destination).filter(Boolean);
  return names.length > 0 ? `${source} → ${names.join(', ')}` : source;
}

/** What became of it in one place: why, and what would be typed in Redis. */
function outcomePart(seen, view) {
  return h('div', { class: 'outcome' },
    h('p', {}, seen.destination ? [h('strong', {}, seen.destination), ' ', outcomeBadge(seen.outcome), ' '] : null, explain(seen)),
    seen.fields ? part('Fields', changesText(seen.fields) || 'none') : null,
    seen.command ? part('Redis command', commandText(seen.command, view)) : null);
}

/** The event itself, and where to go on. */
function eventPart(seen, view) {
  const { masked } = view;
  return [
    part('Event', jsonText(seen.event, view)),
    masked ? h('p', { class: 'hint' }, `${HIDDEN} stands for a personal value; "Show personal values" above shows them.`)
      : seen.user_id !== null && seen.destination
        ? linkButton('Open profile', `#/profiles?destination=${encodeURIComponent(seen.destination)}&user=${encodeURIComponent(seen.user_id)}`, 'quiet small')
        : null,
  ].filter(Boolean);
}

function part(title, content) {
  return h('div', {}, h('h3', {}, title), h('pre', { tabindex: '0', role: 'region', 'aria-label': title }, h('code', {}, content)));
}

function explain(seen) {
  if (seen.reason) return seen.reason;
  switch (seen.outcome) {
    case 'written': return changesSentence(seen.fields);
    case 'accepted': return 'On disk; on its way to the destinations.';
    case 'dead_lettered': return 'Redis refused it for good.';
    default: return 'It has nothing to write.';
  }
}
