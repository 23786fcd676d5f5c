// The records of one user: which keys they lie under, how values are read, checked and written.
'use strict';

const { now } = require('./clock');
const { connection } = require('./connections');
const corruptKeys = require('./corrupt-keys');
const { KenwellError, at, shown } = require('./error');
const { callLimit, identity } = require('./settings');
const { cipherOf, Refused } = require('./cipher');
const { hashed } = require('./hashing');
const { inTime, run } = require('./hooks');
const { NoRecord } = require('./record');
const { inTurn } = require('./write-order');
const { bytesWithin, secondsOf, sendable, thenable } = require('./values');

/** Largest value unless the configuration says otherwise, 16 MiB. */
const DEFAULT_MAX_VALUE_BYTES = 16 * 1024 * 1024;

/**
 * Made anew for every call, because a Jovo app may change the configuration between two of them.
 * `hooks`: `key(userId, entry)`, `encode(entryId, item)`, `decode(entryId, text)`; each may return a promise.
 * `check(decoded)`, if there is one, says what is wrong with something that was decoded.
 */
class Entries {
  constructor(config, hooks) {
    this.config = config;
    this.hooks = hooks;
    this.entries = config.entries;
    this.cipher = config.encryption ? cipherOf(config.encryption) : null;
    /** How long one call may take, from its beginning, hooks and all. */
    this.limit = callLimit(config);
  }

  /** When a call is over that begins now. */
  end() {
    return now() + this.limit;
  }

  /** All entries in one round trip: the record, whether anything was stored, the profile, and what was stored. */
  async load(userId, end = this.end()) {
    const { entries, config } = this;
    const given = run(this.keys(userId), end, this.limit);
    const keys = thenable(given) ? await given : given;
    const profileKey = profileKeyOf(config.profile, userId);
    if (keys.length === 0 && profileKey === null) return { item: {}, found: false, profile: undefined, stored: { server: this.server, keys, values: [] } };
    const refresh = config.refreshOnLoad ? entries.map(secondsOf) : null;
    const { values, profile } = await connection(config).fetch(keys, refresh, profileKey, end);
    let item = {};
    let found = false;
    for (let index = 0; index < keys.length; index++) {
      const value = values[index];
      if (value instanceof KenwellError) throw at(value, entries[index].id, keys[index]);
      if (value === null || value.length === 0) {
        corruptKeys.forget(this.server, keys[index]);
        continue;
      }
      const decoded = await this.decode(entries[index], keys[index], value, end);
      if (decoded === CORRUPT) continue;
      found = true;
      // As a spread, so that a key called __proto__ stays a key like any other.
      item = { ...item, ...decoded };
    }
    return { item, found, profile: profileOf(profile), stored: { server: this.server, keys, values } };
  }

  /** All entries in one atomic step: gives what is stored now. */
  async save(userId, item) {
    const end = this.end();
    return this.write(userId, this.writes(userId, item, end), end, async (writes) => {
      if (writes.length > 0) await this.placed(writes, connection(this.config).store(writes, end));
      return this.written(writes);
    });
  }

  /**
   * The same, if what is stored is still what `known(keys, end)` says, which may be a promise. Gives null when it is
   * not.
   */
  async saveIfUnchanged(userId, item, known) {
    const end = this.end();
    let stored;
    const steps = function* (writes) {
      const prepared = yield* writes;
      stored = yield known(prepared.map(({ key }) => key), end);
      return prepared;
    };
    return this.write(userId, steps(this.writes(userId, item, end)), end, async (writes) => {
      const expected = writes.map(({ key }, index) => ({ key, value: stored.values[index] }));
      const saved = await this.placed(writes, connection(this.config).storeUnchanged(expected, writes, end));
      return saved ? this.written(writes) : null;
    });
  }

  /** Deletes all entries, and gives how many there were. */
  async remove(userId) {
    const end = this.end();
    return this.write(userId, this.keys(userId), end, async (keys) => {
      if (keys.length === 0) return 0;
      const removed = await this.placed(keys.map((key) => ({ key })), connection(this.config).remove(keys, end));
      for (const key of keys) corruptKeys.forget(this.server, key);
      return removed;
    });
  }

  /** Prepares a write by these steps, and sends it when it is its turn. */
  write(userId, steps, end, send) {
    return inTurn(() => `${this.server}\n${userId}`, run(steps, end, this.limit), end, send);
  }

  *keys(userId) {
    const { config, entries, hooks } = this;
    const name = config.hashUserIds ? hashed(config.hashUserIds, userId) : userId;
    const keys = [];
    for (const entry of entries) keys.push(keyFrom(yield hooks.key(name, entry), entry));
    return keys;
  }

  /** Nothing is sent before the last hook has run: one that fails writes nothing. */
  *writes(userId, item, end) {
    const { config, entries, hooks } = this;
    const limit = config.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    const keys = yield* this.keys(userId);
    const values = [];
    for (let index = 0; index < entries.length; index++) {
      const { id } = entries[index];
      values.push(valueFrom(yield hooks.encode(id, partOf(item, entries[index])), id, keys[index]));
    }
    const writes = [];
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      const key = keys[index];
      if (!config.overwriteCorrupt && corruptKeys.has(this.server, key)) yield this.checkAgain(entry, key, end);
      const value = this.cipher?.covers(entry.id) ? this.cipher.seal(key, values[index]) : values[index];
      if (!bytesWithin(value, limit)) throw new KenwellError('KENWELL_TOO_LARGE', `entry "${entry.id}" (key ${shown(key)}): the value has more than ${limit} bytes (maxValueBytes)`, { entry: entry.id, key: String(key) });
      writes.push({ key, value, ttl: secondsOf(entry) });
    }
    return writes;
  }

  /** What a stored value means; `CORRUPT` when it means nothing and the configuration lets it be overwritten. */
  async decode(entry, key, value, end) {
    try {
      const plain = this.cipher?.covers(entry.id) ? this.cipher.open(key, value) : value;
      const given = this.hooks.decode(entry.id, plain);
      const decoded = thenable(given) ? await inTime(given, end, this.limit) : given;
      this.hooks.check?.(decoded);
      corruptKeys.forget(this.server, key);
      return decoded;
    } catch (error) {
      if (isLate(error)) throw error;
      if (this.config.overwriteCorrupt) return CORRUPT;
      corruptKeys.remember(this.server, key);
      if (error instanceof Refused) throw corruptError(entry, key, `cannot be decrypted: ${error.message}`);
      if (error instanceof NoRecord) throw corruptError(entry, key, `is no record: ${error.message}`);
      // V8's own messages quote the text that they cannot parse.
      throw corruptError(entry, key, 'cannot be decoded', error instanceof SyntaxError ? undefined : error);
    }
  }

  /** A value that was found corrupt: throws unless somebody has repaired or deleted it meanwhile. */
  async checkAgain(entry, key, end) {
    const { values } = await connection(this.config).fetch([key], null, null, end);
    const [value] = values;
    if (value === null || value instanceof KenwellError) corruptKeys.forget(this.server, key);
    else await this.decode(entry, key, value, end);
  }

  written(writes) {
    if (this.config.overwriteCorrupt) for (const { key } of writes) corruptKeys.forget(this.server, key);
    return { server: this.server, keys: writes.map(({ key }) => key), values: writes.map(({ value }) => value) };
  }

  /** What was sent; when Redis refuses one of the values, the error has its entry and key. */
  async placed(writes, sent) {
    try {
      return await sent;
    } catch (error) {
      const write = writes[error.index];
      throw write === undefined ? error : at(error, this.entries[error.index].id, write.key);
    }
  }

  /** Which server is meant, as text. */
  get server() {
    return identity(this.config);
  }
}

const CORRUPT = Symbol('corrupt');

function keyFrom(given, { id }) {
  const key = sent(given);
  if (key !== undefined) return key;
  throw new KenwellError('KENWELL_HOOK', `entry "${id}": onCreateKey returned ${typeof given}, not a string`, { entry: id });
}

function valueFrom(given, id, key) {
  const value = typeof given === 'number' ? String(given) : sent(given);
  if (value !== undefined) return value;
  throw new KenwellError('KENWELL_HOOK', `entry "${id}": onEncodeValue returned ${typeof given}, not a string or bytes`, { entry: id, key: String(key) });
}

function sent(given) {
  try {
    return sendable(given);
  } catch {
    return undefined; // the memory of these bytes was given away
  }
}

const isLate = (error) => error instanceof KenwellError && error.code === 'KENWELL_TIMEOUT';

function corruptError(entry, key, problem, cause) {
  return new KenwellError('KENWELL_CORRUPT_VALUE', `entry "${entry.id}" (key ${shown(key)}): the stored value ${problem}; it is not overwritten unless overwriteCorrupt is set`, { entry: entry.id, key: String(key), cause });
}

const PARTS = ['user', 'session', 'history', 'createdAt', 'updatedAt'];

/** What an entry holds of a record, always in this order. */
function partOf(item, entry) {
  const part = {};
  for (const name of PARTS) if (entry[name] && item[name]) part[name] = item[name];
  return part;
}

/** `[prefix:]user:<id>`, where Kenwell keeps what it learns from events. */
function profileKeyOf(profile, userId) {
  if (!profile) return null;
  return profile.prefix ? `${profile.prefix}:user:${userId}` : `user:${userId}`;
}

/** Read-only, and without a prototype: a trait may have any name. */
function profileOf(fields) {
  if (!fields) return undefined;
  const profile = Object.create(null);
  for (const [name, value] of fields) profile[name] = value;
  return Object.freeze(profile);
}

module.exports = { Entries };
