// What was stored when a session was read or saved last: kept for as long as the session object itself, and not longer.
'use strict';

/** Says it of a session that was made anew from the one that was read, by way of what @fastify/session keeps of its cookie. */
const READ = Symbol('read');

class KnownSessions {
  /** From a session to `{ key, seen, stored }`: what it was then, as text, and what Redis has, as it is stored. */
  #of = new WeakMap();

  set(session, known) {
    if (isObject(session)) this.#of.set(session, known);
  }

  /** Of a session that is to be saved under this key; undefined for one that was not read. */
  get(session, key) {
    if (!isObject(session)) return undefined;
    const known = this.#of.get(session) ?? fromCookie(session);
    return known?.key === key ? known : undefined;
  }

  /** express-session makes a session object of the one that was read. */
  hand(read, session) {
    const known = this.#of.get(read);
    if (known !== undefined) this.#of.set(session, known);
  }

  /**
   * @fastify/session makes one too, but tells nobody. It takes what `cookie.toJSON()` gives with all that is in it, and keeps it on
   * the new session. JSON and `for … in` pass over symbols, and comparisons over what is not enumerable.
   */
  mark(read, known) {
    this.set(read, known);
    const { cookie } = read;
    if (!isObject(cookie) || Object.prototype.hasOwnProperty.call(cookie, 'toJSON')) return;
    Object.defineProperty(cookie, 'toJSON', { value: () => ({ ...cookie, [READ]: known }), configurable: true, writable: true });
  }
}

function fromCookie(session) {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const known = session[symbol]?.[READ];
    if (known !== undefined) return known;
  }
  return undefined;
}

const isObject = (value) => typeof value === 'object' && value !== null;

module.exports = { KnownSessions };
