// The records of one user: which keys they lie under, how values are read, checked and written.
'use strict';

const { connection } = require('./connections');
const corrupt = require('./corrupt');
const { KenwellError, at, shown } = require('./error');
const { identity } = require('./settings');
const { cipherOf, Refused } = require('./cipher');
const { hashed } = require('./hashing');
const { bytesWithin, isText, secondsOf, thenable } = require('./values');

/** Largest value unless the configuration says otherwise, 16 MiB. */
const DEFAULT_MAX_VALUE_BYTES = 16 * 1024 * 1024;

/**
 * Made anew for every call, because a Jovo app may change the configuration between two of them.
 * `hooks`: `key(userId, entry)`, `encode(entryId, item)`, `decode(entryId, text)`; each may return a promise.
 */
class Entries {
  constructor(config, hooks) {
    this.config = config;
    this.hooks = hooks;
    this.entries = config.entries;
    this.cipher = config.encryption ? cipherOf(config.encryption) : null;
  }

  /** All entries in one round trip: the record, whether anything was stored, the profile, and what was stored. */
  async load(userId) {
    const { entries, config } = this;
    const given = this.keys(userId);
    const keys = thenable(given) ? await given : given;
    const profileKey = profileKeyOf(config.profile, userId);
    if (keys.length === 0 && profileKey === null) return { item: {}, found: false, profile: undefined, stored: { keys, values: [] } };
    const refresh = config.refreshOnLoad ? entries.map(secondsOf) : null;
    const { values, profile } = await connection(config).fetch(keys, refresh, profileKey);
    let item = {};
    let found = false;
    for (let index = 0; index < keys.length; index++) {
      const value = values[index];
      if (value instanceof KenwellError) throw at(value, entries[index].id, keys[index]);
      if (value === null || value.length === 0) {
        corrupt.forget(this.server, keys[index]);
        continue;
      }
      const decoded = await this.decode(entries[index], keys[index], value);
      if (decoded === CORRUPT) continue;
      found = true;
      // As a spread, so that a key called __proto__ stays a key like any other.
      item = { ...item, ...decoded };
    }
    return { item, found, profile: profileOf(profile), stored: { keys, values } };
  }

  /** All entries in one atomic step. */
  async save(userId, item) {
    const writes = await this.writes(userId, item);
    if (writes.length === 0) return;
    try {
      await connection(this.config).store(writes);
    } catch (error) {
      throw this.located(error, writes[error.index]?.key);
    }
    this.written(writes);
  }

  /** The same, if what is stored is still what was loaded, or nothing: gives what is stored now, or null. */
  async saveIfUnchanged(userId, item, stored) {
    const writes = await this.writes(userId, item);
    const expected = writes.map(({ key }, index) => ({ key, value: stored ? stored.values[index] : null }));
    try {
      if (!(await connection(this.config).storeUnchanged(expected, writes))) return null;
    } catch (error) {
      throw this.located(error, writes[error.index]?.key);
    }
    this.written(writes);
    return { keys: writes.map(({ key }) => key), values: writes.map(({ value }) => value) };
  }

  /** Deletes all entries, and gives how many there were. */
  async remove(userId) {
    const keys = await this.keys(userId);
    if (keys.length === 0) return 0;
    try {
      const removed = await connection(this.config).remove(keys);
      for (const key of keys) corrupt.forget(this.server, key);
      return removed;
    } catch (error) {
      throw this.located(error, keys[error.index]);
    }
  }

  /** The keys, or a promise of them when a hook returns one: whoever needs none should not wait for the next turn. */
  keys(userId) {
    const { config, entries } = this;
    const name = config.hashUserIds ? hashed(config.hashUserIds, userId) : userId;
    const keys = [];
    for (let index = 0; index < entries.length; index++) {
      const key = this.hooks.key(name, entries[index]);
      if (thenable(key)) return this.awaitedKeys(name, keys, key);
      keys.push(checkedKey(key, entries[index]));
    }
    return keys;
  }

  /** The rest of the keys, one after the other. */
  async awaitedKeys(name, keys, first) {
    const { entries, hooks } = this;
    for (let given = first; ; given = hooks.key(name, entries[keys.length])) {
      keys.push(checkedKey(await given, entries[keys.length]));
      if (keys.length === entries.length) return keys;
    }
  }

  /** Nothing is sent before the last hook has run: one that fails writes nothing. */
  async writes(userId, item) {
    const { config, entries, hooks } = this;
    const limit = config.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    const keys = await this.keys(userId);
    const writes = [];
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      const key = keys[index];
      if (!config.overwriteCorrupt && corrupt.has(this.server, key)) await this.checkAgain(entry, key);
      const given = hooks.encode(entry.id, partOf(item, entry));
      let value = thenable(given) ? await given : given;
      if (typeof value === 'number') value = String(value);
      if (!isText(value)) throw new KenwellError('KENWELL_HOOK', `entry "${entry.id}": onEncodeValue returned ${typeof value}, not a string or buffer`, { entry: entry.id, key: String(key) });
      if (this.cipher?.covers(entry.id)) value = this.cipher.seal(key, value);
      if (!bytesWithin(value, limit)) throw new KenwellError('KENWELL_TOO_LARGE', `entry "${entry.id}" (key ${shown(key)}): the value has more than ${limit} bytes (maxValueBytes)`, { entry: entry.id, key: String(key) });
      writes.push({ key, value, ttl: secondsOf(entry) });
    }
    return writes;
  }

  /** What a stored value means; `CORRUPT` when it means nothing and the configuration lets it be overwritten. */
  async decode(entry, key, value) {
    try {
      const plain = this.cipher?.covers(entry.id) ? this.cipher.open(key, value) : value;
      const given = this.hooks.decode(entry.id, plain);
      const decoded = thenable(given) ? await given : given;
      corrupt.forget(this.server, key);
      return decoded;
    } catch (error) {
      if (this.config.overwriteCorrupt) return CORRUPT;
      corrupt.remember(this.server, key);
      if (error instanceof Refused) throw corruptError(entry, key, `cannot be decrypted: ${error.message}`);
      // V8's own messages quote the text that they cannot parse.
      throw corruptError(entry, key, 'cannot be decoded', error instanceof SyntaxError ? undefined : error);
    }
  }

  /** A value that was found corrupt: throws unless somebody has repaired or deleted it meanwhile. */
  async checkAgain(entry, key) {
    const { values } = await connection(this.config).fetch([key], null, null);
    const [value] = values;
    if (value === null || value instanceof KenwellError) corrupt.forget(this.server, key);
    else await this.decode(entry, key, value);
  }

  written(writes) {
    if (this.config.overwriteCorrupt) for (const { key } of writes) corrupt.forget(this.server, key);
  }

  /** The error with entry and key, when Redis refused one of the values. */
  located(error, key) {
    return key === undefined ? error : at(error, this.entries[error.index].id, key);
  }

  /** Which server is meant, as text. */
  get server() {
    return identity(this.config);
  }
}

const CORRUPT = Symbol('corrupt');

function checkedKey(key, entry) {
  if (isText(key)) return key;
  throw new KenwellError('KENWELL_HOOK', `entry "${entry.id}": onCreateKey returned ${typeof key}, not a string`, { entry: entry.id });
}

function corruptError(entry, key, problem, cause) {
  return new KenwellError('KENWELL_CORRUPT_VALUE', `entry "${entry.id}" (key ${shown(key)}): the stored value ${problem}; it is not overwritten unless overwriteCorrupt is set`, { entry: entry.id, key: String(key), cause });
}

/** What an entry holds of a record, always in this order. */
function partOf(item, entry) {
  const part = {};
  if (entry.user && item.user) part.user = item.user;
  if (entry.session && item.session) part.session = item.session;
  if (entry.history && item.history) part.history = item.history;
  if (entry.createdAt && item.createdAt) part.createdAt = item.createdAt;
  if (entry.updatedAt && item.updatedAt) part.updatedAt = item.updatedAt;
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
