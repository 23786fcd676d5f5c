// RedisStore: sessions of express-session and @fastify/session in Redis, under the keys and in the JSON of connect-redis.
'use strict';

const { isDeepStrictEqual } = require('util');

const { KenwellError, wrong } = require('./error');
const { BaseStore } = require('./express-base-store');
const { conflict, decideBy } = require('./session-conflict');
const { COUNT, TRUTH, checkKinds } = require('./known-names');
const { KnownSessions } = require('./known-sessions');
const { mergeSession } = require('./session-merge');
const { secondsFrom } = require('./session-options');
const { StoredTexts, corrupt } = require('./stored-texts');
const { MAX_TTL_SECONDS, named } = require('./values');

/** The options that other stores do not have. */
const OPTIONS = ['ttl', 'disableTTL', 'disableTouch', 'serializer', 'scanCount'];
/** A day, in seconds: for sessions whose cookie has no end of its own. */
const DEFAULT_TTL = 86_400;
/** For what is over before it is stored. */
const SHORTEST_TTL = 1;
const DEFAULT_SCAN_COUNT = 100;
/** Sessions that are read or deleted in one round trip. */
const GROUP = 500;

class RedisStore extends BaseStore {
  /** Throws KENWELL_SETTINGS. Connects when first used. */
  constructor(options) {
    super();
    if (options?.client !== undefined) throw wrong('client', 'this store has connections of its own; give it a connectionString instead');
    const { ttl = DEFAULT_TTL, disableTTL = false, disableTouch = false, serializer = JSON, scanCount = DEFAULT_SCAN_COUNT } = options ?? {};
    const given = { ...options, prefix: options?.prefix ?? 'sess:' };
    this.#texts = new StoredTexts(given, OPTIONS);
    if (typeof serializer?.parse !== 'function' || typeof serializer?.stringify !== 'function') throw wrong('serializer', 'it must have the functions parse and stringify');
    checkKinds(given, { disableTTL: TRUTH, disableTouch: TRUTH, scanCount: COUNT });
    this.prefix = given.prefix;
    this.ttl = typeof ttl === 'function' ? ttl : secondsFrom(ttl, 'ttl');
    this.disableTTL = disableTTL === true;
    this.disableTouch = disableTouch === true;
    this.serializer = serializer;
    this.scanCount = scanCount;
    this.#onConflict = options.onConflict;
  }

  /** The session, or null when there is none. */
  get(sid, callback) {
    return answer(this.#texts.call(() => this.#get(sid)), callback);
  }

  /** Saves a session; what others have changed in it since it was read stays. */
  set(sid, session, callback) {
    return answer(this.#texts.call(() => this.#set(sid, session)), callback);
  }

  /** The session's time begins anew. */
  touch(sid, session, callback) {
    return answer(this.#texts.call(() => this.#touch(sid, session)), callback);
  }

  /** Deletes a session. No save of a request that still has it brings it back. */
  destroy(sid, callback) {
    return answer(this.#texts.call(() => this.#destroy(sid)), callback);
  }

  /** All sessions, each with its `id`. */
  all(callback) {
    return answer(this.#texts.call(() => this.#all()), callback);
  }

  ids(callback) {
    return answer(this.#texts.call(() => this.#ids()), callback);
  }

  /** How many sessions there are. */
  length(callback) {
    return answer(this.#texts.call(() => this.#length()), callback);
  }

  /** Deletes all sessions. */
  clear(callback) {
    return answer(this.#texts.call(() => this.#clear()), callback);
  }

  /**
   * Lets no more calls begin, waits for those that have, and closes the connection unless others use it. Throws KENWELL_TIMEOUT when
   * that takes longer than `timeoutMs`.
   */
  async close(options = {}) {
    return this.#texts.close(options);
  }

  /** As express-session has it. The session that it makes is known as the one that was read. */
  createSession(request, session) {
    const made = super.createSession(request, session);
    this.#known.hand(session, made);
    return made;
  }

  async #get(sid) {
    const key = this.#keyOf(sid);
    const found = await this.#texts.read(key);
    if (found === null || found.text === '') return null;
    const session = await this.#parse(key, found.text);
    // As text, since the program is about to change it.
    this.#known.mark(session, { key, seen: found.text, stored: found.stored });
    return session;
  }

  async #set(sid, session) {
    if ((await this.#save(sid, session)) || this.#onConflict !== 'error') return null;
    throw conflict(this.#keyOf(sid), 'the session was destroyed, or has expired, since it was read; nothing was saved');
  }

  /** Says whether it was saved, and not gone. */
  async #save(sid, session) {
    const key = this.#keyOf(sid);
    if (!isObject(session)) throw wrong('session', 'it must be an object');
    const seen = this.#stringify(session);
    const ttl = this.#ttlOf(session);
    return this.#texts.write(key, async (write) => {
      if (ttl < 0) {
        await write.remove();
        return true;
      }
      const known = this.#known.get(session, key);
      const stored = known === undefined ? await write.replace(seen, ttl) : await this.#merge(write, known, seen, ttl);
      if (stored !== null) this.#known.set(session, { key, seen, stored });
      return stored !== null;
    });
  }

  /** Saves what was made of a session that was read. Gives what is stored then; null when the session is gone. */
  #merge(write, known, mine, ttl) {
    const { key } = write;
    const decide = decideBy(this.#onConflict, key);
    return write.save(known.stored, async (theirs) => {
      if (theirs === known.seen) return { text: mine, ttl };
      const versions = await Promise.all([known.seen, theirs, mine].map((text) => this.#parse(key, text)));
      const session = mergeSession(...versions, decide);
      const left = this.#ttlOf(session);
      return { text: this.#stringify(session), ttl: left < 0 ? SHORTEST_TTL : left };
    });
  }

  async #destroy(sid) {
    await this.#texts.write(this.#keyOf(sid), (write) => write.remove());
    return null;
  }

  async #touch(sid, session) {
    if (this.disableTouch || this.disableTTL) return null;
    const key = this.#keyOf(sid);
    const known = this.#known.get(session, key);
    // What is stored says when the session ends, too, and whatever else of the cookie has changed.
    if (known !== undefined && !isDeepStrictEqual(plain((await this.#parse(key, known.seen)).cookie), plain(session.cookie))) {
      await this.#save(sid, session);
      return null;
    }
    const ttl = this.#ttlOf(session);
    if (ttl < 0) return this.#destroy(sid);
    await this.#texts.touch(key, ttl);
    return null;
  }

  async #ids() {
    if (this.#texts.hashing !== null) throw wrong('hashIds', 'with it there are no ids to be listed');
    const ids = [];
    for await (const keys of this.#texts.pages(this.scanCount)) for (const key of keys) ids.push(key.slice(this.prefix.length));
    return ids;
  }

  async #all() {
    const sessions = [];
    for (const keys of await this.#groups()) {
      const texts = await this.#texts.readMany(keys);
      for (const [index, text] of texts.entries()) {
        if (!text) continue; // it has ended meanwhile
        const session = await this.#parse(keys[index], text);
        if (this.#texts.hashing === null) session.id = keys[index].slice(this.prefix.length);
        sessions.push(session);
      }
    }
    return sessions;
  }

  async #length() {
    let length = 0;
    for await (const keys of this.#texts.pages(this.scanCount)) length += keys.length;
    return length;
  }

  async #clear() {
    for (const keys of await this.#groups()) await this.#texts.removeMany(keys);
    return null;
  }

  /** All keys, in groups for one round trip each. */
  async #groups() {
    const keys = [];
    for await (const page of this.#texts.pages(this.scanCount)) keys.push(...page);
    return Array.from({ length: Math.ceil(keys.length / GROUP) }, (_, index) => keys.slice(index * GROUP, (index + 1) * GROUP));
  }

  /** How long a session is kept, in seconds; 0 for ever, and less than 0 when it is over. */
  #ttlOf(session) {
    const seconds = this.#secondsLeft(session);
    return seconds > 0 && this.disableTTL ? 0 : seconds;
  }

  #secondsLeft(session) {
    if (typeof this.ttl === 'function') {
      const seconds = this.ttl(session);
      return seconds <= 0 ? -1 : secondsFrom(seconds, 'ttl');
    }
    const { expires } = session?.cookie ?? {};
    const time = expires ? Number(new Date(expires)) : NaN;
    if (Number.isNaN(time)) return this.ttl;
    const seconds = Math.ceil((time - Date.now()) / 1000);
    return seconds > 0 ? Math.min(seconds, MAX_TTL_SECONDS) : -1;
  }

  #keyOf(sid) {
    return this.#texts.keyOf(named(sid, 'sid'));
  }

  async #parse(key, text) {
    let session;
    try {
      session = await this.serializer.parse(text);
    } catch (error) {
      // V8's own messages quote the text that they cannot parse.
      throw corrupt(key, 'the serializer cannot read it', error instanceof SyntaxError ? undefined : error);
    }
    // The frameworks take a cookie out of it.
    if (isObject(session)) return session;
    throw corrupt(key, 'it is no session, which is an object');
  }

  #stringify(session) {
    const text = this.serializer.stringify(session);
    if (typeof text === 'string') return text;
    throw new KenwellError('KENWELL_HOOK', `serializer.stringify returned ${typeof text}, not a text`);
  }

  #texts;
  #onConflict;
  #known = new KnownSessions();
}

/** Gives the promise, or calls back with what becomes of it. An error that the callback throws is nobody's of ours. */
function answer(promise, callback) {
  if (typeof callback !== 'function') return promise;
  promise.then(
    (value) => queueMicrotask(() => callback(null, value)),
    (error) => queueMicrotask(() => callback(error)),
  );
  return undefined;
}

/** A cookie as it is stored. */
const plain = (cookie) => (cookie === undefined ? {} : JSON.parse(JSON.stringify(cookie)) ?? {});
const isObject = (value) => typeof value === 'object' && value !== null;

module.exports = { RedisStore };
