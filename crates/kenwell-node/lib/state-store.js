// StateStore: records of users in Redis, for Node programs without Jovo.
'use strict';

const { Entries } = require('./entries');
const { KenwellError } = require('./error');
const { connection } = require('./connections');
const { wrong } = require('./settings');

/** Most users in one `loadMany`. */
const MAX_USERS = 1000;

const DEFAULTS = {
  keyPrefix: '',
  keySeparator: ':',
  entries: [{ id: 'data', user: true, session: true, history: true, createdAt: true, updatedAt: true }],
};

/** Where a record keeps what was stored when it was loaded: not enumerable, so copies and JSON do not have it. */
const STORED = Symbol('stored');

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
      decode: onDecodeValue ?? ((_entryId, value) => JSON.parse(textOf(value))),
    });
  }

  /** The user's record, or null when nothing is stored. */
  async load(userId) {
    const { item, found, profile, stored } = await this.#entries.load(named(userId));
    if (!found && profile === undefined) return null;
    if (profile !== undefined) Object.defineProperty(item, 'profile', { value: profile });
    Object.defineProperty(item, STORED, { value: stored, writable: true });
    return item;
  }

  /** Several users in one round trip, in the order of their ids. */
  async loadMany(userIds) {
    if (userIds.length > MAX_USERS) throw wrong('loadMany', `at most ${MAX_USERS} users at once`);
    return Promise.all(userIds.map((userId) => this.load(userId)));
  }

  /** Replaces what is stored. `createdAt` stays or becomes now, `updatedAt` becomes now. */
  async save(userId, record) {
    await this.#entries.save(named(userId), stamped(record));
  }

  /**
   * Saves if nobody has saved since `record` was loaded; a record that was not loaded is only saved if nothing is
   * stored. Throws KENWELL_CONFLICT otherwise.
   */
  async saveIfUnchanged(userId, record) {
    const stored = await this.#entries.saveIfUnchanged(named(userId), stamped(record), record[STORED]);
    if (stored === null) throw new KenwellError('KENWELL_CONFLICT', 'somebody else has saved since this record was loaded; load it again');
    Object.defineProperty(record, STORED, { value: stored, writable: true });
  }

  /** Deletes all that is stored of a user, and says whether there was anything. */
  async delete(userId) {
    return (await this.#entries.remove(named(userId))) > 0;
  }

  #entries;
}

function named(userId) {
  if (typeof userId === 'string' && userId !== '') return userId;
  throw wrong('userId', 'it must be a text that is not empty');
}

function stamped(record) {
  const now = new Date().toISOString();
  return { ...record, createdAt: record.createdAt ?? now, updatedAt: now };
}

/** What is no UTF-8 arrives as bytes. */
function textOf(value) {
  if (typeof value === 'string') return value;
  throw new SyntaxError('not UTF-8');
}

module.exports = { StateStore };
