// The stream of live events: opened while somebody looks, closed when the page is left, bounded in between.
import { get, parseExactly } from './api.js';
import { say } from './dom.js';

/** Most events that wait to be shown; older ones give way. */
export const MOST = 200;
/** How long events are collected before they are drawn together. */
const DRAW_MS = 150;
/** A flood is drawn so seldom that the page has this many times as long for its reader. */
const REST = 3;

/** What is said of the connection, by its state. */
const STATES = {
  connecting: ['Connecting…', 'warn'], open: ['Watching', 'good'], paused: ['Paused', 'warn'], refused: ['Not connected', 'bad'],
};

/** Says in `badge` how the connection is, by what `Tail` tells. */
export function showState(badge, word) {
  const [title, kind] = STATES[word];
  say(badge, title).className = `badge ${kind}`;
}

/** Events as they happen. */
export class Tail {
  #stream = null;
  #waiting = [];
  #missed = 0;
  #isPaused = false;
  #timer = 0;
  #delay = DRAW_MS;
  #signal;
  #heard;

  /**
   * `heard`: `{ show(events), state(word), dropped(count), waiting(count) }`. `show` gets events newest first, a few times a second;
   * `state` hears of the connection; `dropped` of events that came too fast; `waiting` of those that wait while it is paused.
   */
  constructor(signal, heard) {
    this.#signal = signal;
    this.#heard = heard;
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Begins anew with this address; what waited is forgotten. */
  open(address) {
    this.close();
    this.#heard.waiting(0);
    this.#heard.state('connecting');
    const stream = new EventSource(address);
    this.#stream = stream;
    stream.addEventListener('open', () => this.#heard.state('open'));
    stream.addEventListener('event', (message) => this.#take(message.data));
    stream.addEventListener('dropped', (message) => this.#heard.dropped(JSON.parse(message.data).count));
    stream.addEventListener('error', () => {
      // A stream that was refused stays closed; one that broke is opened again by the browser.
      const isRefused = stream.readyState === EventSource.CLOSED;
      this.#heard.state(isRefused ? 'refused' : 'connecting');
      // It cannot say that the session has ended; this call finds out.
      if (isRefused) get('/session', { signal: this.#signal }).catch(() => {});
    });
  }

  close() {
    this.#stream?.close();
    this.#stream = null;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waiting = [];
    this.#missed = 0;
  }

  /** While it is paused events wait, the newest of them at most. */
  set paused(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) return;
    this.#tellMissed();
    this.#heard.waiting(0);
    this.#plan();
  }

  /** Most of a flood is never shown, so it is not read before it is drawn. */
  #take(text) {
    this.#waiting.push(text);
    if (this.#waiting.length > MOST) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    if (this.#isPaused) this.#heard.waiting(this.#waiting.length + this.#missed);
    else this.#plan();
  }

  #tellMissed() {
    if (this.#missed > 0) this.#heard.dropped(this.#missed);
    this.#missed = 0;
  }

  /** Many events of one moment are drawn together. */
  #plan() {
    if (this.#timer !== 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#isPaused) return;
      const began = performance.now();
      const events = this.#waiting.reverse().map(parseExactly);
      this.#waiting = [];
      this.#tellMissed();
      if (events.length > 0) this.#heard.show(events);
      setTimeout(() => { this.#delay = Math.max(DRAW_MS, REST * (performance.now() - began)); });
    }, this.#delay);
  }
}
