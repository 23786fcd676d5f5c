// Events that a Redis refused for good: by reason, to see, retry or discard.
import { get, LONG_PATIENCE, post, query } from './api.js';
import { busy, button, revealButton, tally } from './controls.js';
import { confirmed } from './dialog.js';
import { fill, h, say } from './dom.js';
import { emptyState, Notice, prose, toast } from './notice.js';
import { count, plural } from './numbers.js';
import { HIDDEN, jsonText, userText } from './personal.js';
import { every } from './poll.js';
import { ofRetry } from './repetition.js';
import { row, table } from './table.js';
import { time } from './time.js';

const PAGE = 50;
const SECONDS = 5;

export async function deadLetters(page) {
  const view = new View(page);
  page.follow = () => view.load(true).catch((error) => view.fail(error));
  await view.load();
  every(SECONDS, page.signal, () => view.follow(), (error) => view.fail(error));
}

/** Shows the number of dead letters in `place` for the whole life of the console; nothing while there are none. */
export function watchLetters(place, signal) {
  every(SECONDS, signal, async () => {
    const { total } = await get(`/dead-letters${query({ limit: 1 })}`);
    tally(place, total, 'to look at');
  });
}

/** The page's state: which reason is open, as the address says, and the letters shown so far. */
class View {
  #page;
  #notice = new Notice();
  #reasons = h('div');
  #letters = h('div');
  #names = new Map();
  #orders = new Map();
  #chosen = null;
  #shown = '';

  constructor(page) {
    this.#page = page;
    page.root.append(page.title('Dead letters'), this.#notice.element, this.#reasons, this.#letters);
  }

  async load(isAsked = false) {
    const options = { signal: this.#page.signal };
    const [{ destinations }, summary] = await Promise.all([get('/destinations', options), get(`/dead-letters${query({ limit: 1 })}`, options)]);
    this.#names = new Map(destinations.map((one) => [one.id, one.name]));
    this.#orders = new Map(destinations.map((one) => [one.id, one.order]));
    this.#shown = print(summary);
    this.#chosen = summary.by_reason.find((one) => same(one, this.#named)) ?? null;
    if (this.#chosen === null) fill(this.#letters);
    if (summary.total === 0) {
      fill(this.#reasons, emptyState('No dead letters', 'Every event was written, ignored for a reason, or is still queued. '
        + 'What a Redis refuses for good would be kept here, with the reason.'));
      return;
    }
    fill(this.#reasons, this.#table(summary));
    if (this.#chosen) await this.#open(this.#chosen, isAsked);
  }

  /** The reason that the address names. */
  get #named() {
    const { query: words } = this.#page;
    return { destination: words.get('destination'), reason: words.get('reason') };
  }

  /** Shows letters that have come meanwhile, unless somebody is at the table right now. */
  async follow() {
    const isThere = () => this.#reasons.contains(document.activeElement);
    if (isThere()) return;
    const summary = await get(`/dead-letters${query({ limit: 1 })}`, { signal: this.#page.signal });
    if (print(summary) === this.#shown || isThere()) return;
    if (summary.total === 0 || this.#chosen === null) await this.load();
    else {
      this.#shown = print(summary);
      fill(this.#reasons, this.#table(summary));
    }
  }

  #table(summary) {
    const columns = [{ title: 'Reason' }, { title: 'Destination' }, { title: 'Letters', kind: 'number' }, { title: '' }];
    const parts = table('Dead letters by reason', columns);
    parts.body.append(...summary.by_reason.map((one) => {
      const what = `${plural(one.count, 'letter')} of ${this.#name(one)}: ${one.reason}`;
      const see = button('See', (event) => this.#run(event, () => this.#open(one, true)), { kind: 'small', 'aria-label': `See ${what}` });
      const retry = button('Retry all', (event) => this.#run(event, () => this.#retryAll(one)), { kind: 'small', 'aria-label': `Retry all ${what}` });
      const discard = button('Discard all', (event) => this.#run(event, () => this.#discardAll(one)), { kind: 'small danger', 'aria-label': `Discard all ${what}` });
      return row(columns, [h('code', { class: 'reason' }, one.reason), this.#name(one), count(one.count), h('div', { class: 'actions' }, see, retry, discard)]);
    }));
    return h('section', { class: 'card' },
      h('h2', {}, plural(summary.total, 'dead letter')),
      h('p', { class: 'hint' }, 'Put right what the reason says, then retry. Fields that newer events have set since are left as they are.'),
      parts.element);
  }

  fail(error) {
    if (!this.#page.signal.aborted) this.#notice.fail(error);
  }

  #name(one) {
    return this.#names.get(one.destination) ?? one.destination;
  }

  #run(event, task) {
    this.#notice.clear();
    return busy(event.currentTarget, task, (error) => this.#notice.fail(error));
  }

  /** Shows the letters of one reason. */
  async #open(one, isAsked = false) {
    this.#chosen = one;
    this.#page.step({ destination: one.destination, reason: one.reason });
    const heading = h('h2', { tabindex: '-1' }, `Letters of ${this.#name(one)}`);
    const list = h('ol', { class: 'events', 'aria-label': 'Dead letters' });
    const more = h('div', { class: 'actions' });
    fill(this.#letters, h('section', { class: 'card' }, heading, h('p', { class: 'hint' }, h('code', {}, one.reason)), list, more));
    await this.#append(one, list, more, null);
    if (isAsked) heading.focus();
  }

  async #append(one, list, more, after) {
    const words = query({ destination: one.destination, reason: one.reason, limit: PAGE, after });
    const answer = await get(`/dead-letters${words}`, { signal: this.#page.signal, exact: true });
    const rows = answer.letters.map((letter) => letterRow(letter, {
      retry: (event) => this.#run(event, () => this.#apply('retry', { destination: one.destination, ids: [letter.id] })),
      discard: (event) => this.#run(event, () => this.#discardOne(one, letter)),
    }));
    list.append(...rows);
    // The button gives way to the next one.
    if (more.contains(document.activeElement)) rows[0]?.querySelector('summary').focus();
    fill(more, answer.next === null ? null : button('Show more', (event) => this.#run(event, () => this.#append(one, list, more, answer.next))));
  }

  #retryAll(one) {
    return this.#apply('retry', { destination: one.destination, reason: one.reason }, {
      title: `Retry ${plural(one.count, 'letter')}?`, action: 'Retry all', kind: 'primary',
      text: `They are written to ${this.#name(one)} in the order in which they were sent. ${ofRetry(this.#orders.get(one.destination))}`,
    });
  }

  #discardAll(one) {
    return this.#apply('discard', { destination: one.destination, reason: one.reason }, {
      title: `Discard ${plural(one.count, 'letter')}?`, action: 'Discard all', text: 'These events are lost for good.',
    });
  }

  #discardOne(one, letter) {
    return this.#apply('discard', { destination: one.destination, ids: [letter.id] }, {
      title: 'Discard this letter?', action: 'Discard', text: 'The event is lost for good.',
    });
  }

  /** Does it if the person agrees, says what came of it, and shows what is left. Without a question it is done at once. */
  async #apply(what, which, question = null) {
    if (question && !await confirmed(question)) return;
    const answer = await post(`/dead-letters/${what}`, which, LONG_PATIENCE);
    const text = what === 'retry'
      ? `${plural(answer.retried, 'letter')} written${answer.superseded ? `, ${plural(answer.superseded, 'letter')} overtaken by newer events` : ''}`
        + `${answer.still_failing ? `, ${plural(answer.still_failing, 'letter')} ${answer.error ? 'not written' : 'refused again'}` : ''}.`
      : `${plural(answer.discarded, 'letter')} discarded.`;
    // Also for whoever has gone to another page meanwhile.
    toast(text);
    await this.load();
    // The button is gone with what it was for.
    if (document.activeElement === document.body) this.#page.focus();
    this.#notice.show(answer.still_failing ? 'warn' : 'good', h('p', {}, text), answer.error ? h('p', {}, prose(answer.error)) : null);
  }
}

/** One letter: a line, and inside it the error, the event, and what can be done. `actions`: `{ retry(event), discard(event) }`. Personal values are hidden until somebody asks. */
function letterRow(letter, actions) {
  const user = h('span', { class: 'user' });
  const code = h('code');
  const body = h('div', { class: 'body' });
  const details = h('details', { ontoggle: () => { if (details.open && body.childElementCount === 0) open(); } },
    h('summary', {}, h('span', { class: 'at' }, time(letter.at)), user, h('span', { class: 'route' }, `from ${letter.source}`)), body);
  const mask = (masked) => {
    say(user, userText(letter.user_id, { masked }));
    say(code, jsonText(letter.event, { masked }));
  };
  function open() {
    fill(body,
      h('div', {}, h('h3', {}, 'Error'), h('p', {}, h('code', { class: 'reason' }, letter.error ?? letter.reason))),
      h('div', {}, h('h3', {}, 'Event'), h('pre', { tabindex: '0', role: 'region', 'aria-label': 'Event' }, code),
        h('p', { class: 'hint' }, `${HIDDEN} stands for a personal value.`)),
      h('div', { class: 'actions' }, button('Retry', actions.retry, { kind: 'small primary' }), revealButton(mask, 'small'),
        button('Discard', actions.discard, { kind: 'small danger' })));
  }
  mask(true);
  return h('li', { class: 'event' }, details);
}

const print = (summary) => JSON.stringify([summary.total, summary.by_reason]);
const same = (left, right) => left.destination === right.destination && left.reason === right.reason;
