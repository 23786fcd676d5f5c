// StateStore: records of users in Redis, for Node programs without Jovo.
'use strict';

const { Entries } = require('./entries');
const { KenwellError, wrong } = require('./error');
const { connection, release, retain } = require('./connections');
const historyList = require('./history-list');
const { OpenCalls, closeLimit } = require('./open-calls');
const presence = require('./presence');
const { check, copied, liesAt, note, stamped, timeOf, versionOf } = require('./record');
const { RecordNames } = require('./record-names');
const { StoredElements } = require('./stored-elements');
const { SHARED, checkOptions, checkStrictly } = require('./store-options');
const { checkCallOptions, named, parseJson, ttlOf } = require('./values');

/** Most users in one `loadMany`. */
const MAX_USERS = 1000;
/** How often `update` begins at most, unless something else is said; and the most that can be said. */
const UPDATE_ATTEMPTS = 100;
const MAX_UPDATE_ATTEMPTS = 10_000;

const DEFAULTS = {
  keyPrefix: '',
  keySeparator: ':',
  entries: [{ id: 'data', user: true, session: true, history: true, createdAt: true, updatedAt: true }],
};
const OPTIONS = [...SHARED, 'historyList', 'ttlSeconds'];

class StateStore {
  /** Throws KENWELL_SETTINGS. Connects when first used. */
  constructor(options) {
    // What is undefined or null is not said.
    const said = Object.entries(options ?? {}).filter(([, value]) => value !== undefined && value !== null);
    const config = { ...DEFAULTS, ...Object.fromEntries(said) };
    checkOptions(config, OPTIONS);
    checkStrictly(config);
    const { ttlSeconds } = config;
    const living = (entry) => (ttlSeconds === undefined ? entry : { ...entry, ttlSeconds: entry.ttlSeconds ?? ttlSeconds });
    config.entries = config.entries.map(living);
    this.#elements = config.storedElements === undefined ? null : new StoredElements(config.storedElements);
    if (this.#elements !== null) config.entries = this.#elements.entries(config.entries);
    this.#turn = historyList.historyListOf(config.historyList, config.entries);
    if (this.#turn !== null) config.historyList = living(config.historyList);
    connection(config);
    const { keyPrefix, keySeparator, onCreateKey, onEncodeValue, onDecodeValue } = config;
    const prefix = keyPrefix ? `${keyPrefix}${keySeparator}` : '';
    const hooks = {
      key: onCreateKey ?? ((userId, entry) => `${prefix}${entry.id}${keySeparator}${userId}`),
      encode: onEncodeValue ?? ((_entryId, part) => JSON.stringify(part)),
      decode: onDecodeValue ?? ((_entryId, value) => parseJson(value)),
    };
    this.#entries = new Entries(config, { ...hooks, check });
    this.#turns = new Entries(config, hooks);
    // Hooks may return promises, and look at what they were given after the caller has gone on.
    this.#snapshot = onCreateKey || onEncodeValue ? copied : (record) => record;
    retain(this.#entries.server);
  }

  /** The user's record, or null when nothing is stored. */
  async load(userId) {
    this.#calls.begin();
    try {
      const { record, found } = await this.#load(userId);
      return found || record.profile !== undefined ? record : null;
    } finally {
      this.#calls.end();
    }
  }

  /** Several users in one round trip, in the order of their ids. */
  async loadMany(userIds) {
    if (!Array.isArray(userIds)) throw wrong('loadMany', 'it needs a list of user ids');
    if (userIds.length > MAX_USERS) throw wrong('loadMany', `at most ${MAX_USERS} users at once`);
    return Promise.all(userIds.map((userId) => this.load(userId)));
  }

  /** Replaces what is stored. `createdAt` stays or becomes now, `updatedAt` becomes now. */
  async save(userId, record, options) {
    this.#calls.begin();
    try {
      const item = this.#stamped(userId, record);
      note(record, await this.#entries.save(userId, item, ttlOf(options)));
      this.#elements?.noteStored(record, item);
      // A version that is out of date would make copies conflict.
      if (record.updatedAt) Reflect.set(record, 'updatedAt', item.updatedAt);
    } finally {
      this.#calls.end();
    }
  }

  /**
   * Saves if nobody has saved since `record` was loaded or saved. A copy has the version of what is stored when it has
   * its `updatedAt`; a record without a version is new, and is saved if nothing is stored. Throws KENWELL_CONFLICT
   * otherwise. Gives `record` the times that were stored.
   */
  async saveIfUnchanged(userId, record, options) {
    this.#calls.begin();
    try {
      const item = this.#stamped(userId, record);
      const read = { version: versionOf(record), updatedAt: record.updatedAt };
      const stored = await this.#entries.saveIfUnchanged(userId, item, (keys, end) => this.#known(userId, read, keys, end), ttlOf(options));
      if (stored === null) throw conflict();
      this.#noteSaved(record, item, stored);
    } finally {
      this.#calls.end();
    }
  }

  /**
   * Loads a record, or a new one, lets `change` change it, and saves what `change` returns, or the record when it returns
   * nothing, if nobody else has saved meanwhile; otherwise begins again. Gives the record that was saved.
   */
  async update(userId, change, options = {}) {
    if (typeof change !== 'function') throw wrong('update', 'after the user id it needs a function that changes a record');
    checkCallOptions(options, ['attempts', 'ttlSeconds'], '{ attempts: 10 }');
    const { attempts = UPDATE_ATTEMPTS, ttlSeconds } = options;
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > MAX_UPDATE_ATTEMPTS) throw wrong('options.attempts', `it must be a whole number from 1 to ${MAX_UPDATE_ATTEMPTS}`);
    this.#calls.begin();
    try {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const saved = await this.#updateOnce(userId, change, ttlOf({ ttlSeconds }));
        if (saved !== null) return saved;
      }
      throw conflict(`somebody else has saved meanwhile, ${attempts} times in turn; nothing was saved`);
    } finally {
      this.#calls.end();
    }
  }

  /** Deletes all that is stored of a user, and says whether there was anything. */
  async delete(userId) {
    return this.#call(async () => (await this.#entries.remove(named(userId, 'userId'))) > 0);
  }

  /** Whether anything is stored of a user, apart from a list of turns. Nothing of it is read. */
  async has(userId) {
    return this.#call(() => presence.exist(this.#entries, named(userId, 'userId')));
  }

  /** Lets the times to live of all that is stored begin anew, and says whether there was anything. */
  async touch(userId, options) {
    return this.#call(() => presence.touch(this.#entries, named(userId, 'userId'), ttlOf(options)));
  }

  /** What is stored of a user, as it lies in Redis: each entry, and the list of turns without its items. */
  async list(userId) {
    return this.#call(() => presence.storedEntries(this.#entries, named(userId, 'userId')));
  }

  /** Puts a turn, or several from the oldest to the newest, into the user's list. */
  async appendHistory(userId, turns) {
    const element = this.#historyList();
    const given = Array.isArray(turns) ? turns : [turns];
    for (const turn of given) if (turn === undefined || typeof turn === 'function' || typeof turn === 'symbol') throw wrong('appendHistory', `a turn is something that has JSON, not ${typeof turn}`);
    return this.#call(async () => {
      if (given.length > 0) await historyList.append(this.#turns, element, named(userId, 'userId'), given.map((turn) => this.#snapshot(turn)));
    });
  }

  /** The turns of the user's list, the newest first. */
  async history(userId) {
    const element = this.#historyList();
    return this.#call(() => historyList.read(this.#turns, element, named(userId, 'userId')));
  }

  /**
   * Lets no more calls begin, waits for those that have, and closes the connection unless others use it. Throws
   * KENWELL_TIMEOUT when that takes longer than `timeoutMs`.
   */
  async close(options = {}) {
    const limitMs = closeLimit(options, this.#entries.limit);
    this.#closed ??= this.#calls.close(limitMs).finally(() => release(this.#entries.server));
    return this.#closed;
  }

  async #call(action) {
    this.#calls.begin();
    try {
      return await action();
    } finally {
      this.#calls.end();
    }
  }

  async #load(userId) {
    const { item, found, profile, stored } = await this.#entries.load(named(userId, 'userId'));
    if (profile !== undefined) Object.defineProperty(item, 'profile', { value: profile });
    this.#names.learn(item);
    this.#elements?.afterLoad(item, Date.now());
    note(item, stored);
    return { record: item, found, stored };
  }

  /** Gives the record that was saved; null when somebody else was faster. */
  async #updateOnce(userId, change, ttl) {
    this.#calls.check();
    const { record, stored } = await this.#load(userId);
    const { createdAt, updatedAt } = record;
    // As Rust's store and Jovo have it: of a user there are always data.
    record.user ||= {};
    record.user.data ??= {};
    const changed = (await change(record)) ?? record;
    if (typeof changed !== 'object' || Array.isArray(changed)) throw wrong('update', `its function returned ${Array.isArray(changed) ? 'a list' : `a ${typeof changed}`}; let it return a record, or nothing when it has changed the one that it was given`);
    const item = this.#stamped(userId, { ...changed, createdAt: changed.createdAt ?? createdAt, updatedAt });
    this.#calls.check();
    const saved = await this.#entries.saveIfUnchanged(userId, item, (keys) => known(stored, keys), ttl);
    if (saved === null) return null;
    this.#noteSaved(changed, item, saved);
    return changed;

    function known(version, keys) {
      if (liesAt(version, version.server, keys)) return version;
      throw wrong('onCreateKey', 'it gave another key than a moment ago for the same user and entry');
    }
  }

  #stamped(userId, record) {
    named(userId, 'userId');
    if (typeof record !== 'object' || record === null || Array.isArray(record)) throw wrong('record', 'it must be an object, such as { user: { data: {} } }');
    this.#names.check(record);
    const item = stamped(userId, record);
    return this.#snapshot(this.#elements === null ? item : this.#elements.toStored(item, Date.now()));
  }

  /** After a comparison a record has the times that were stored. */
  #noteSaved(record, item, stored) {
    note(record, stored);
    this.#elements?.noteStored(record, item);
    for (const name of ['createdAt', 'updatedAt']) {
      if (this.#entries.entries.some((entry) => entry[name])) Reflect.set(record, name, item[name]);
    }
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

  #historyList() {
    if (this.#turn === null) throw wrong('historyList', 'it is not set, so there is no list; a record has its own history');
    return this.#turn;
  }

  #calls = new OpenCalls();
  #closed = null;
  #elements;
  #entries;
  #names = new RecordNames();
  #snapshot;
  /** How turns of the list are stored; null without one. */
  #turn;
  #turns;
}

if (Symbol.asyncDispose) {
  Object.defineProperty(StateStore.prototype, Symbol.asyncDispose, { value() { return this.close(); }, writable: true, configurable: true });
}

function conflict(why = 'somebody else has saved since this record was loaded, or it was not loaded and something is stored; load it again') {
  return new KenwellError('KENWELL_CONFLICT', why);
}

module.exports = { StateStore };
