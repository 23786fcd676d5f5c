// Texts in Redis, one under each key: read, replaced, merged with what others have stored meanwhile, deleted, and listed.
'use strict';

const { now } = require('./clock');
const { cipherOf, Refused } = require('./cipher');
const { connection, release, retain } = require('./connections');
const { KenwellError, shown, timeout } = require('./error');
const { hashed } = require('./hashing');
const { callLimit, identity } = require('./settings');
const { bytesWithin } = require('./values');
const { checkOptions, maxValueBytesOf } = require('./session-options');
const { KeyWrite } = require('./key-write');
const { OpenCalls, closeLimit } = require('./open-calls');
const { inTurn } = require('./key-turns');

/** The most keys that are listed; what has more is no store to list. */
const MAX_KEYS = 1_000_000;

class StoredTexts {
  /** `options` with a `prefix`, and `names` of the options that belong to the framework. Throws KENWELL_SETTINGS. */
  constructor(options, names) {
    checkOptions(options, names);
    this.calls = new OpenCalls();
    /** The promise of its end; null while it is open. */
    this.closed = null;
    this.config = options;
    this.prefix = options.prefix;
    this.limit = callLimit(options);
    this.maxBytes = maxValueBytesOf(options);
    this.server = identity(options);
    this.cipher = options.encryption ? cipherOf(options.encryption) : null;
    /** The secret with which ids are hashed; null when keys hold the ids as they are. */
    this.hashing = options.hashIds || null;
    if (this.hashing !== null) hashed(this.hashing, '', 'hashIds');
    connection(options, this.server);
    retain(this.server);
  }

  keyOf(id) {
    return this.prefix + (this.hashing === null ? id : hashed(this.hashing, id));
  }

  /** Does what one call of a store does, unless the store was closed. */
  async call(action) {
    this.calls.begin();
    try {
      return await action();
    } finally {
      this.calls.end();
    }
  }

  /** Lets no more calls begin, waits for those that have, and closes the connection unless others use it. */
  async close(options) {
    const limitMs = closeLimit(options, this.limit);
    this.closed ??= this.calls.close(limitMs).finally(() => release(this.server));
    return this.closed;
  }

  /** What is stored under a key: `{ stored, text }`, or null. */
  async read(key) {
    const stored = await this.fetch(key, this.end());
    return stored === null ? null : { stored, text: this.open(key, stored) };
  }

  exists(key) {
    return this.connection().exist([key], this.end());
  }

  /** What is stored is kept for so many seconds from now on. */
  touch(key, ttl) {
    return this.connection().touch([{ key, list: false, ttl }], this.end());
  }

  /** The texts under several keys, in one round trip; null where there is nothing, or something that is no text. */
  async readMany(keys) {
    const { values } = await this.connection().fetch(keys, null, null, this.end());
    return values.map((stored, index) => {
      if (stored instanceof KenwellError && stored.redisCode !== 'WRONGTYPE') throw stored;
      return stored === null || stored instanceof KenwellError || stored.length === 0 ? null : this.open(keys[index], stored);
    });
  }

  /**
   * Does what changes a key when all older changes of it in this process are over: `change(write)` gets a `KeyWrite`. Its time
   * begins now, the waiting included.
   */
  write(key, change) {
    const end = this.end();
    return inTurn(`${this.server}\n${key}`, async (place) => {
      if (now() >= end) throw timeout(this.limit);
      const write = new KeyWrite(this, key, end, place.stored);
      try {
        return await change(write);
      } finally {
        place.stored = write.stored;
      }
    });
  }

  /** Deletes keys in one round trip. */
  removeMany(keys) {
    return this.connection().remove(keys, this.end());
  }

  /**
   * The keys that begin with the prefix, page by page: what is there from the beginning to the end is in one of them, what
   * comes or goes meanwhile may be. A key is given once. With a cluster, those of all its nodes.
   */
  async *pages(count) {
    const known = new Set();
    for await (const page of this.rawPages(count)) {
      const fresh = page.filter((key) => !known.has(key) && known.add(key));
      if (known.size > MAX_KEYS) throw new KenwellError('KENWELL_TOO_LARGE', `more than ${MAX_KEYS} keys begin with ${shown(this.prefix)}; they are not listed`);
      if (fresh.length > 0) yield fresh;
    }
  }

  async *rawPages(count) {
    let cursor = '0';
    do {
      const page = await this.connection().scan(cursor, this.prefix, count, this.end());
      yield page.keys;
      cursor = page.cursor;
    } while (cursor !== '0');
  }

  connection() {
    // A call that goes on after a close would open another one, which nobody closes.
    this.calls.check();
    return connection(this.config, this.server);
  }

  /** When a call is over that begins now. */
  end() {
    return now() + this.limit;
  }

  async fetch(key, end) {
    const { values } = await this.connection().fetch([key], null, null, end);
    const [value] = values;
    if (value instanceof KenwellError) throw value;
    return value;
  }

  seal(key, text) {
    const stored = this.cipher === null ? text : this.cipher.seal(key, text);
    if (bytesWithin(stored, this.maxBytes)) return stored;
    throw new KenwellError('KENWELL_TOO_LARGE', `key ${shown(key)}: the value has more than ${this.maxBytes} bytes (maxValueBytes)`, { key });
  }

  open(key, stored) {
    try {
      if (typeof stored !== 'string') throw new Refused('it is not UTF-8');
      return this.cipher === null ? stored : this.cipher.open(key, stored);
    } catch (error) {
      if (error instanceof Refused) throw corrupt(key, error.message);
      throw error;
    }
  }
}

/** An error about what is stored; tells nothing of it. */
function corrupt(key, problem, cause) {
  return new KenwellError('KENWELL_CORRUPT_VALUE', `key ${shown(key)}: what is stored cannot be understood: ${problem}`, { key, cause });
}

module.exports = { StoredTexts, corrupt };
