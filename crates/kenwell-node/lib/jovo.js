// RedisDb: Jovo's database plugin for Redis, under its own name, options and defaults.
'use strict';

const { Entries } = require('./entries');
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

class RedisDb extends (framework ? framework.DbPlugin : NoJovo) {
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
    if (profile) Object.defineProperty(jovo.$user, 'profile', { value: profile, enumerable: true, configurable: true });
    jovo.setPersistableData(item, this.config.storedElements);
  }

  /** Jovo calls it when the response is ready, and some platforms do earlier. */
  async saveData(userId, jovo) {
    const item = {};
    await this.applyPersistableData(jovo, item);
    await this.entriesFor(jovo).save(userId, item);
  }

  /** The configuration is read at every call: each request has a copy of its own, which the app may change. */
  entriesFor(jovo) {
    const { config } = this;
    return new Entries(config, {
      key: (userId, entry) => config.onCreateKey(userId, config, jovo, entry),
      encode: (entryId, dbItem) => config.onEncodeValue(entryId, dbItem),
      decode: (entryId, value) => config.onDecodeValue(entryId, value),
    });
  }
}

module.exports = { RedisDb };
