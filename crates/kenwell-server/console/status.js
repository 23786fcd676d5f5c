// How a destination is doing, in a word and in a sentence.
import { h, say } from './dom.js';
import { plural } from './numbers.js';
import { moment } from './time.js';

const WORDS = {
  up: ['Up', 'good'],
  enabled: ['Enabled', 'good'],
  connecting: ['Connecting', 'plain'],
  waiting: ['Waiting', 'bad'],
  restoring: ['Restoring', 'warn'],
  incomplete: ['Incomplete', 'bad'],
  paused: ['Paused', 'warn'],
  disabled: ['Disabled', 'plain'],
  retired: ['Not configured', 'bad'],
};

/** Whether its Redis does not take or have what it should. */
export const isInTrouble = (status) => ['waiting', 'retired', 'restoring', 'incomplete'].includes(status.state);

/** A word for the state's colour: `good`, `warn`, `bad` or `plain`. */
export const stateKind = (status) => (WORDS[status.state] ?? [null, 'plain'])[1];

/** A badge that shows the state in words and, beside them, in colour. */
export function stateBadge() {
  const element = h('span', { class: 'badge plain' });
  return { element, update: (status) => {
    const [word, kind] = WORDS[status.state] ?? [status.state, 'plain'];
    say(element, word);
    element.className = `badge ${kind}`;
  } };
}

/** Outcomes of events, with the colour that goes with each. */
const OUTCOMES = {
  written: ['Written', 'good'],
  ignored: ['Ignored', 'plain'],
  dead_lettered: ['Dead-lettered', 'bad'],
  accepted: ['Accepted', 'info'],
  waiting: ['Waiting', 'warn'],
};

/** A badge for an outcome; `more` follows the word. */
export function outcomeBadge(outcome, more = '') {
  const [word, kind] = OUTCOMES[outcome] ?? [outcome, 'plain'];
  return h('span', { class: `badge ${kind}` }, word + more);
}

/** What is the matter, as a sentence; empty when nothing is. */
export function explanation(status) {
  if (status.state === 'paused') return 'Delivery is paused; events are kept until it goes on.';
  if (status.state === 'disabled') return `It gets no events.${kept(status)}`;
  if (status.state === 'retired') return `It is not configured any more.${kept(status)}`;
  if (status.state === 'connecting') return 'Not reached yet; events are kept until it is.';
  const since = sinceOf(status);
  if (status.state === 'restoring') return `Restoring${since}: ${status.error}.`;
  if (status.state === 'incomplete') return `Incomplete${since}: ${status.error}.`;
  if (status.state !== 'waiting') return '';
  const next = status.needs_operator ? 'Somebody has to put this right; nothing is lost meanwhile.'
    : 'Kenwell keeps trying; nothing is lost.';
  return `Waiting${since}: ${status.error ?? 'the destination does not answer'}. ${next}`;
}

const sinceOf = (status) => (status.since ? ` since ${moment(status.since)}` : '');

/** What waits for a destination to which nothing is delivered. */
function kept(status) {
  if (status.queued === 0) return '';
  const since = sinceOf(status);
  return ` ${plural(status.queued, 'event')} ${status.queued === 1 ? 'waits' : 'wait'} for it${since}, and ${status.queued === 1 ? 'is' : 'are'} kept.`;
}

/** The law that every accepted event has one outcome, as a sentence; empty while it holds. */
export function imbalance(status) {
  if (status.balanced) return '';
  const outcomes = status.written + status.ignored + status.dead_lettered + status.lost + status.queued;
  return `The sums of ${status.name} do not add up: ${status.accepted} accepted, but ${outcomes} written, ignored, `
    + 'dead-lettered, lost or queued. Events may have been lost; keep the logs and report this.';
}
