// RedisDb: Jovo's database plugin for Redis, under its own name, options and defaults.
'use strict';

const { retainForEver } = require('./connections');
const { Entries } = require('./entries');
const { checkNames, checkSlips } = require('./known-names');
const { PARTS } = require('./stored-elements');
const { SHARED, checkOptions } = require('./store-options');
const { parseJson } = require('./values');

/** The application's own copy of Jovo: platforms look for plugins with `instanceof DbPlugin`. */
let framework;
try {
  framework = require('@jovotech/framework');
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND') throw error;
  framework = null;
}

/** Stands in where Jovo is not installed, so that the rest of the package can be used without it. */
class NoJovo {
  constructor() {
    throw new Error('RedisDb needs Jovo: npm install @jovotech/framework. Without Jovo, use StateStore.');
  }
}

/** `[keyPrefix, entry id, user id]`, joined. */
function defaultKey(userId, config, _jovo, entry) {
  const key = `${entry.id}${config.keySeparator}${userId}`;
  return config.keyPrefix ? `${config.keyPrefix}${config.keySeparator}${key}` : key;
}

/** Where an item keeps what else is known: whether anything was stored, and the profile. Not enumerable. */
const LOADED = Symbol('loaded');

/** From the `$user` of a request to the ids whose data were deleted in it: what the request ends with is not stored. */
const deletedIn = new WeakMap();

/** From a class to the options that it knows; a subclass may have some of its own, with defaults. */
const optionsOf = new WeakMap();

class RedisDb extends (framework ? framework.DbPlugin : NoJovo) {
  /** Throws KENWELL_SETTINGS for options that do not exist. */
  constructor(config) {
    super(config);
    // The rest may still come from the app's own configuration.
    checkNames(this.config, namesOf(this));
  }

  /** Jovo calls it when the app's own configuration has been added. */
  initialize() {
    checkPlugin(this);
  }

  getDefaultConfig() {
    return {
      ...super.getDefaultConfig(),
      skipTests: true,
      connectionString: '<YOUR-REDIS-URI>',
      keyPrefix: '',
      keySeparator: ':',
      entries: [{ id: 'data', ttlSeconds: 0, user: true, session: true, history: true, createdAt: true, updatedAt: true }],
      onCreateKey: defaultKey,
      onEncodeValue: (_entryId, dbItem) => JSON.stringify(dbItem),
      onDecodeValue: (_entryId, value) => parseJson(value),
    };
  }

  getInitConfig() {
    return { connectionString: '<YOUR-REDIS-URI>' };
  }

  /** The stored record; `{}` when nothing is stored. */
  async getDbItem(userId, jovo) {
    const { item, found, profile } = await this.entriesFor(jovo).load(userId);
    Object.defineProperty(item, LOADED, { value: { found, profile } });
    return item;
  }

  /** Jovo calls it when a request comes in. */
  async loadData(userId, jovo) {
    const item = await this.getDbItem(userId, jovo);
    // A subclass may have made an item of its own.
    const { found = Object.keys(item).length > 0, profile } = item[LOADED] ?? {};
    jovo.$user.isNew = !found && this.config.legacyIsNew !== true;
    Object.defineProperty(jovo.$user, 'deleteData', { value: () => this.deleteData(userId, jovo), configurable: true, writable: true });
    if (profile) Object.defineProperty(jovo.$user, 'profile', { value: profile, enumerable: true, configurable: true });
    jovo.setPersistableData(item, this.config.storedElements);
  }

  /** Jovo calls it when the response is ready, and some platforms do earlier. */
  async saveData(userId, jovo) {
    if (jovo.$user && deletedIn.get(jovo.$user)?.has(userId)) return;
    const item = {};
    await this.applyPersistableData(jovo, item);
    await this.entriesFor(jovo).save(userId, item);
  }

  /**
   * Deletes all that is stored of a user, and says whether there was anything. The request that is under way stores nothing
   * of this user any more. Also as `$user.deleteData()`.
   */
  async deleteData(userId, jovo) {
    const deleted = (await this.entriesFor(jovo).remove(userId)) > 0;
    if (jovo.$user) deletedIn.set(jovo.$user, (deletedIn.get(jovo.$user) ?? new Set()).add(userId));
    return deleted;
  }

  /** The configuration is read at every call: each request has a copy of its own, which the app may change. */
  entriesFor(jovo) {
    const { config } = this;
    checkPlugin(this);
    const entries = new Entries(config, {
      key: (userId, entry) => config.onCreateKey(userId, config, jovo, entry),
      encode: (entryId, dbItem) => config.onEncodeValue(entryId, dbItem),
      decode: (entryId, value) => config.onDecodeValue(entryId, value),
    });
    retainForEver(entries.server);
    return entries;
  }
}

/** Throws KENWELL_SETTINGS for options that do not exist. */
function checkPlugin(plugin) {
  checkOptions(plugin.config, namesOf(plugin));
  // Platforms and apps may store parts of their own, and functions name what a history keeps.
  const { storedElements } = plugin.config;
  checkSlips(storedElements, PARTS, 'storedElements');
  checkSlips(storedElements?.session, ['enabled', 'expiresAfterSeconds'], 'storedElements.session');
}

/** The options of a plugin: Jovo's, ours, and those for which its class has defaults. */
function namesOf(plugin) {
  let names = optionsOf.get(plugin.constructor);
  if (names === undefined) {
    names = [...new Set([...SHARED, 'enabled', 'skipTests', 'legacyIsNew', ...Object.keys(plugin.getDefaultConfig())])];
    optionsOf.set(plugin.constructor, names);
  }
  return names;
}

module.exports = { RedisDb };
