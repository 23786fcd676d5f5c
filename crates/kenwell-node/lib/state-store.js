// StateStore: records of users in Redis, for Node programs without Jovo.
'use strict';

const { Entries } = require('./entries');
const { KenwellError } = require('./error');
const { connection } = require('./connections');
const { check, copied, liesAt, note, stamped, timeOf, versionOf } = require('./record');
const { wrong } = require('./settings');
const { parseJson } = require('./values');

/** Most users in one `loadMany`. */
const MAX_USERS = 1000;

const DEFAULTS = {
  keyPrefix: '',
  keySeparator: ':',
  entries: [{ id: 'data', user: true, session: true, history: true, createdAt: true, updatedAt: true }],
};

class StateStore {
  /** Throws KENWELL_SETTINGS. Connects when first used. */
  constructor(options) {
    const config = { ...DEFAULTS, ...options };
    if (!Array.isArray(config.entries)) throw wrong('entries', 'it must be a list, such as [{ id: "data", user: true }]');
    connection(config);
    const { keyPrefix, keySeparator, onCreateKey, onEncodeValue, onDecodeValue } = config;
    const prefix = keyPrefix ? `${keyPrefix}${keySeparator}` : '';
    this.#entries = new Entries(config, {
      key: onCreateKey ?? ((userId, entry) => `${prefix}${entry.id}${keySeparator}${userId}`),
      encode: onEncodeValue ?? ((_entryId, part) => JSON.stringify(part)),
      decode: onDecodeValue ?? ((_entryId, value) => parseJson(value)),
      check,
    });
    // Hooks may return promises, and look at what they were given after the caller has gone on.
    this.#snapshot = onCreateKey || onEncodeValue ? copied : (record) => record;
  }

  /** The user's record, or null when nothing is stored. */
  async load(userId) {
    const { item, found, profile, stored } = await this.#entries.load(named(userId));
    if (!found && profile === undefined) return null;
    if (profile !== undefined) Object.defineProperty(item, 'profile', { value: profile });
    note(item, stored);
    return item;
  }

  /** Several users in one round trip, in the order of their ids. */
  async loadMany(userIds) {
    if (userIds.length > MAX_USERS) throw wrong('loadMany', `at most ${MAX_USERS} users at once`);
    return Promise.all(userIds.map((userId) => this.load(userId)));
  }

  /** Replaces what is stored. `createdAt` stays or becomes now, `updatedAt` becomes now. */
  async save(userId, record) {
    const item = this.#stamped(userId, record);
    note(record, await this.#entries.save(userId, item));
    // A version that is out of date would make copies conflict.
    if (record.updatedAt) Reflect.set(record, 'updatedAt', item.updatedAt);
  }

  /**
   * Saves if nobody has saved since `record` was loaded or saved. A copy has the version of what is stored when it has
   * its `updatedAt`; a record without a version is new, and is saved if nothing is stored. Throws KENWELL_CONFLICT
   * otherwise. Gives `record` the times that were stored.
   */
  async saveIfUnchanged(userId, record) {
    const item = this.#stamped(userId, record);
    const read = { version: versionOf(record), updatedAt: record.updatedAt };
    const stored = await this.#entries.saveIfUnchanged(userId, item, (keys, end) => this.#known(userId, read, keys, end));
    if (stored === null) throw conflict();
    note(record, stored);
    for (const name of ['createdAt', 'updatedAt']) {
      if (this.#entries.entries.some((entry) => entry[name])) Reflect.set(record, name, item[name]);
    }
  }

  /** Deletes all that is stored of a user, and says whether there was anything. */
  async delete(userId) {
    return (await this.#entries.remove(named(userId))) > 0;
  }

  #stamped(userId, record) {
    named(userId);
    if (typeof record !== 'object' || record === null || Array.isArray(record)) throw wrong('record', 'it must be an object, such as { user: { data: {} } }');
    return this.#snapshot(stamped(userId, record));
  }

  /** What must still be stored for a record to be saved of which this was read. */
  #known(userId, { version, updatedAt }, keys, end) {
    if (version && liesAt(version, this.#entries.server, keys)) return version;
    // A version of somewhere else says nothing here, and a time that no entry stores says nothing anywhere.
    const time = version || !this.#entries.entries.some((entry) => entry.updatedAt) ? NaN : timeOf(updatedAt);
    return this.#entries.load(userId, end).then(({ item, found, stored }) => {
      if (found && timeOf(item.updatedAt) !== time) throw conflict();
      if (!found && !Number.isNaN(time)) throw conflict('nothing is stored any more; to save it nevertheless, use save, or take its updatedAt away');
      return stored;
    });
  }

  #entries;
  #snapshot;
}

function conflict(why = 'somebody else has saved since this record was loaded, or it was not loaded and something is stored; load it again') {
  return new KenwellError('KENWELL_CONFLICT', why);
}

function named(userId) {
  if (typeof userId === 'string' && userId !== '') return userId;
  throw wrong('userId', 'it must be a text that is not empty');
}

module.exports = { StateStore };
