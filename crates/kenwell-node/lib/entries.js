// The records of one user: which keys they lie under, how values are read, checked and written.
'use strict';

const { now } = require('./clock');
const { connection } = require('./connections');
const corruptKeys = require('./corrupt-keys');
const { KenwellError, at, shown } = require('./error');
const { callLimit, identity } = require('./settings');
const { cipherOf, Refused } = require('./cipher');
const { hashed } = require('./hashing');
const { each, inTime, keyFrom, then, valueFrom } = require('./hooks');
const { NoRecord } = require('./record');
const { inTurn } = require('./write-order');
const { bytesWithin, secondsOf, thenable } = require('./values');

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
    /** The list of turns beside the record, if there is one: of its own entry only the id and the time to live count. */
    this.list = config.historyList ?? null;
    /** All that is stored of a user. */
    this.all = this.list === null ? this.entries : [...this.entries, this.list];
    this.cipher = config.encryption ? cipherOf(config.encryption) : null;
    /** How long one call may take, from its beginning, hooks and all. */
    this.limit = callLimit(config);
    /** Which server is meant, as text. */
    this.server = identity(config);
  }

  /** When a call is over that begins now. */
  end() {
    return now() + this.limit;
  }

  /** All entries in one round trip: the record, whether anything was stored, the profile, and what was stored. */
  async load(userId, end = this.end()) {
    const { entries, config } = this;
    const given = this.keys(userId, end);
    const keys = thenable(given) ? await given : given;
    const profileKey = profileKeyOf(config.profile, userId);
    if (keys.length === 0 && profileKey === null) return { item: {}, found: false, profile: undefined, stored: { server: this.server, keys, values: [] } };
    const refresh = config.refreshOnLoad ? entries.map(secondsOf) : null;
    const { values, profile } = await connection(config, this.server).fetch(keys, refresh, profileKey, end);
    let item = {};
    let found = false;
    for (let index = 0; index < keys.length; index++) {
      const value = values[index];
      if (value instanceof KenwellError) throw at(value, entries[index].id, keys[index]);
      if (value === null || value.length === 0) {
        corruptKeys.forget(this.server, keys[index]);
        continue;
      }
      const given = this.decode(entries[index], keys[index], value, end);
      const decoded = thenable(given) ? await given : given;
      if (decoded === CORRUPT) continue;
      // As a spread, so that a key called __proto__ stays a key like any other.
      item = { ...item, ...decoded };
      found = true;
    }
    return { item, found, profile: profileOf(profile), stored: { server: this.server, keys, values } };
  }

  /** All entries in one atomic step: gives what is stored now. `ttl` is for all of them, in seconds; null for each its own. */
  save(userId, item, ttl = null) {
    const end = this.end();
    return this.write(userId, this.writes(userId, item, ttl, end), end, async (writes) => {
      try {
        if (writes.length > 0) await connection(this.config, this.server).store(writes, end);
      } catch (error) {
        throw this.placed(writes, error);
      }
      return this.written(writes);
    });
  }

  /**
   * The same, if what is stored is still what `known(keys, end)` says, which may be a promise. Gives null when it is
   * not.
   */
  saveIfUnchanged(userId, item, known, ttl = null) {
    const end = this.end();
    let stored;
    const prepared = then(this.writes(userId, item, ttl, end), (writes) =>
      then(known(writes.map(({ key }) => key), end), (found) => {
        stored = found;
        return writes;
      }),
    );
    return this.write(userId, prepared, end, async (writes) => {
      const expected = writes.map(({ key }, index) => ({ key, value: stored.values[index] }));
      let saved;
      try {
        saved = await connection(this.config, this.server).storeUnchanged(expected, writes, end);
      } catch (error) {
        throw this.placed(writes, error);
      }
      return saved ? this.written(writes) : null;
    });
  }

  /** Deletes all entries and the list, and gives how many there were. */
  remove(userId) {
    const end = this.end();
    return this.write(userId, this.keys(userId, end, this.all), end, async (keys) => {
      if (keys.length === 0) return 0;
      let removed;
      try {
        removed = await connection(this.config, this.server).remove(keys, end);
      } catch (error) {
        throw this.placed(keys.map((key) => ({ key })), error);
      }
      for (const key of keys) corruptKeys.forget(this.server, key);
      return removed;
    });
  }

  /** Sends what is prepared, now or later, when it is its turn. */
  write(userId, prepared, end, send) {
    return inTurn(() => `${this.server}\n${userId}`, prepared, end, send);
  }

  keys(userId, end, entries = this.entries) {
    const { config, hooks } = this;
    const name = config.hashUserIds ? hashed(config.hashUserIds, userId) : userId;
    return each(entries, (entry) => hooks.key(name, entry), keyFrom, end, this.limit);
  }

  /** Nothing is sent before the last hook has run: one that fails writes nothing. */
  writes(userId, item, ttl, end) {
    const { entries, hooks, limit } = this;
    return then(this.keys(userId, end), (keys) => {
      const encode = (entry) => hooks.encode(entry.id, partOf(item, entry));
      const accept = (given, { id }, index) => valueFrom(given, id, keys[index]);
      return then(each(entries, encode, accept, end, limit), (values) => this.writesOf(keys, values, ttl, end));
    });
  }

  writesOf(keys, values, ttl, end) {
    const { config, entries } = this;
    const check = (entry, index) => !config.overwriteCorrupt && corruptKeys.has(this.server, keys[index]) && this.checkAgain(entry, keys[index], end);
    const write = (_checked, entry, index) => {
      const key = keys[index];
      return { key, value: this.sealed(entry, key, values[index]), ttl: ttl ?? secondsOf(entry) };
    };
    return each(entries, check, write, end, this.limit);
  }

  /** A value as it is stored, if it is not too large. */
  sealed({ id }, key, value) {
    const limit = this.config.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    const stored = this.cipher?.covers(id) ? this.cipher.seal(key, value) : value;
    if (bytesWithin(stored, limit)) return stored;
    throw new KenwellError('KENWELL_TOO_LARGE', `entry "${id}" (key ${shown(key)}): the value has more than ${limit} bytes (maxValueBytes)`, { entry: id, key: String(key) });
  }

  /**
   * What a stored value means, or a promise of it where a hook gave one; `CORRUPT` when it means nothing and the
   * configuration lets it be overwritten.
   */
  decode(entry, key, value, end) {
    try {
      const plain = this.cipher?.covers(entry.id) ? this.cipher.open(key, value) : value;
      const given = this.hooks.decode(entry.id, plain);
      if (thenable(given)) return this.decodeLater(entry, key, given, end);
      return this.decoded(key, given);
    } catch (error) {
      return this.undecodable(entry, key, error);
    }
  }

  async decodeLater(entry, key, given, end) {
    try {
      return this.decoded(key, await inTime(given, end, this.limit));
    } catch (error) {
      return this.undecodable(entry, key, error);
    }
  }

  decoded(key, value) {
    this.hooks.check?.(value);
    corruptKeys.forget(this.server, key);
    return value;
  }

  undecodable(entry, key, error) {
    if (isLate(error)) throw error;
    if (this.config.overwriteCorrupt) return CORRUPT;
    corruptKeys.remember(this.server, key);
    if (error instanceof Refused) throw corruptError(entry, key, `cannot be decrypted: ${error.message}`);
    if (error instanceof NoRecord) throw corruptError(entry, key, `is no record: ${error.message}`);
    // V8's own messages quote the text that they cannot parse.
    throw corruptError(entry, key, 'cannot be decoded', error instanceof SyntaxError ? undefined : error);
  }

  /** A value that was found corrupt: throws unless somebody has repaired or deleted it meanwhile. */
  async checkAgain(entry, key, end) {
    const { values } = await connection(this.config, this.server).fetch([key], null, null, end);
    const [value] = values;
    if (value === null || value instanceof KenwellError) corruptKeys.forget(this.server, key);
    else await this.decode(entry, key, value, end);
  }

  written(writes) {
    if (this.config.overwriteCorrupt) for (const { key } of writes) corruptKeys.forget(this.server, key);
    return { server: this.server, keys: writes.map(({ key }) => key), values: writes.map(({ value }) => value) };
  }

  /** The error of a call; when Redis refuses one of the values, it has its entry and key. */
  placed(writes, error) {
    const write = writes[error.index];
    return write === undefined ? error : at(error, this.all[error.index].id, write.key);
  }
}

/** What stands for a value that means nothing and may be overwritten. */
const CORRUPT = Symbol('corrupt');

const isLate = (error) => error instanceof KenwellError && error.code === 'KENWELL_TIMEOUT';

function corruptError(entry, key, problem, cause) {
  return new KenwellError('KENWELL_CORRUPT_VALUE', `entry "${entry.id}" (key ${shown(key)}): the stored value ${problem}; it is not overwritten unless overwriteCorrupt is set`, { entry: entry.id, key: String(key), cause });
}

/** What an entry holds of a record, always in this order. */
function partOf(item, entry) {
  const part = {};
  const { user, session, history, createdAt, updatedAt } = entry;
  let value;
  if (user && (value = item.user)) part.user = value;
  if (session && (value = item.session)) part.session = value;
  if (history && (value = item.history)) part.history = value;
  if (createdAt && (value = item.createdAt)) part.createdAt = value;
  if (updatedAt && (value = item.updatedAt)) part.updatedAt = value;
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

module.exports = { CORRUPT, Entries };
