// RedisAdapter: sessions of grammY's bots in Redis, under the keys and in the JSON of @grammyjs/storage-redis.
'use strict';

const { wrong } = require('./error');
const { FUNCTION, TRUTH, checkKinds } = require('./known-names');
const { conflict, decideBy } = require('./session-conflict');
const { merge } = require('./session-merge');
const { secondsFrom } = require('./session-options');
const { StoredTexts, corrupt } = require('./stored-texts');
const { named } = require('./values');

/** The options that other stores do not have. */
const OPTIONS = ['ttl', 'autoParseDates', 'initial'];
/** Keys that Redis looks at for one page, and sessions that are read in one round trip. */
const PAGE = 500;

/** What JavaScript writes for a date, and the same without its Z. */
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z?$/;

class RedisAdapter {
  /** Throws KENWELL_SETTINGS. Connects when first used. */
  constructor(options) {
    if (options?.instance !== undefined) throw wrong('instance', 'this adapter has connections of its own; give it a connectionString instead');
    this.#texts = new StoredTexts({ ...options, prefix: options?.prefix ?? '' }, OPTIONS);
    const { ttl, autoParseDates = false, initial, onConflict } = options;
    checkKinds(options, { autoParseDates: TRUTH, initial: FUNCTION });
    this.#ttl = ttl === undefined || ttl === null ? 0 : secondsFrom(ttl, 'ttl');
    this.#dates = autoParseDates === true;
    this.#initial = initial;
    this.#onConflict = onConflict;
  }

  /** The session; without one what `initial` makes, or undefined. */
  async read(name) {
    return this.#texts.call(() => this.#read(this.#keyOf(name)));
  }

  async #read(key) {
    const found = await this.#texts.read(key);
    if (found === null) return this.#new(key);
    const value = this.#parse(key, found.text);
    this.#know(value, { key, seen: found.text, stored: found.stored });
    return value;
  }

  /** Saves a session; what others have changed in it since it was read stays. */
  async write(name, value) {
    const key = this.#keyOf(name);
    const seen = JSON.stringify(value);
    if (seen === undefined) throw wrong('value', 'JSON has no form for it; to delete a session, set ctx.session to null');
    const save = async (write) => {
      const known = this.#known(value, key);
      const stored = known === undefined ? await write.replace(seen, this.#ttl) : await this.#merge(write, known, seen);
      if (stored !== null) this.#know(value, { key, seen, stored });
      else if (this.#onConflict === 'error') throw conflict(key, 'the session was deleted, or has expired, since it was read; nothing was saved');
    };
    await this.#texts.call(() => this.#texts.write(key, save));
  }

  /** Deletes a session. No write of an update that still has it brings it back. */
  async delete(name) {
    await this.#texts.call(() => this.#texts.write(this.#keyOf(name), (write) => write.remove()));
  }

  async has(name) {
    return this.#texts.call(() => this.#texts.exists(this.#keyOf(name)));
  }

  async *readAllKeys() {
    if (this.#texts.hashing !== null) throw wrong('hashIds', 'with it there are no names to be listed');
    for await (const keys of this.#pages()) for (const key of keys) yield key.slice(this.#texts.prefix.length);
  }

  async *readAllValues() {
    for await (const [, value] of this.#entries()) yield value;
  }

  async *readAllEntries() {
    if (this.#texts.hashing !== null) throw wrong('hashIds', 'with it there are no names to be listed');
    for await (const [key, value] of this.#entries()) yield [key.slice(this.#texts.prefix.length), value];
  }

  /**
   * Lets no more calls begin, waits for those that have, and closes the connection unless others use it. Throws KENWELL_TIMEOUT when
   * that takes longer than `timeoutMs`.
   */
  async close(options = {}) {
    return this.#texts.close(options);
  }

  async *#pages() {
    const pages = this.#texts.pages(PAGE);
    for (;;) {
      const { done, value } = await this.#texts.call(() => pages.next());
      if (done) return;
      yield value;
    }
  }

  async *#entries() {
    for await (const keys of this.#pages()) {
      const texts = await this.#texts.call(() => this.#texts.readMany(keys));
      // Some may have gone meanwhile.
      for (const [index, text] of texts.entries()) if (text !== null) yield [keys[index], this.#parse(keys[index], text)];
    }
  }

  async #new(key) {
    const value = await this.#initial?.();
    if (value !== undefined) this.#know(value, { key, seen: JSON.stringify(value), stored: null });
    return value;
  }

  #merge(write, known, mine) {
    const { key } = write;
    const decide = decideBy(this.#onConflict, key);
    return write.save(known.stored, (theirs) => {
      const isUnchanged = theirs === null || theirs === known.seen;
      const text = isUnchanged ? mine : JSON.stringify(merge(...[known.seen, theirs, mine].map((each) => parseJson(key, each)), decide));
      return { text, ttl: this.#ttl };
    });
  }

  /** What was stored when a session object was read or written last is kept for as long as that object. */
  #know(value, known) {
    for (const object of objectsOf(value)) this.#of.set(object, known);
  }

  #known(value, key) {
    const known = objectsOf(value).map((object) => this.#of.get(object)).find((each) => each !== undefined);
    return known?.key === key ? known : undefined;
  }

  #keyOf(name) {
    return this.#texts.keyOf(named(name, 'key'));
  }

  #parse(key, text) {
    return parseJson(key, text, this.#dates ? withDates : undefined);
  }

  #texts;
  #ttl;
  #dates;
  #initial;
  #onConflict;
  #of = new WeakMap();
}

/** The objects by which a session is known again: itself, and what grammY's `enhanceStorage` has within one of its own. */
function objectsOf(value) {
  return [value, value?.__d].filter((object) => typeof object === 'object' && object !== null);
}

function parseJson(key, text, reviver) {
  try {
    return JSON.parse(text, reviver);
  } catch {
    // V8's own messages quote the text that they cannot parse.
    throw corrupt(key, 'it is no JSON');
  }
}

function withDates(_name, value) {
  if (typeof value !== 'string' || !DATE.test(value)) return value;
  const date = new Date(value.endsWith('Z') ? value : `${value}Z`);
  // There is no such day or hour, so nobody wrote a date: the next save would make null of it.
  return Number.isNaN(date.getTime()) ? value : date;
}

module.exports = { RedisAdapter };
