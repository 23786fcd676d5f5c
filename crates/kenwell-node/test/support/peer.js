// What Jovo's own RedisDb does to Redis, as it was observed: a new connection for each load and each save, one GET
// after the other, and MULTI with SET and EXPIRE. Only commands and bytes; it cannot be installed from the registry.
'use strict';

const { createClient } = require('@redis/client');

class Peer {
  constructor(url, entries) {
    this.url = url;
    this.entries = entries;
  }

  async load(userId) {
    const client = createClient({ url: this.url });
    await client.connect();
    let item = {};
    for (const { id } of this.entries) {
      const text = await client.get(`${id}:${userId}`);
      if (text) item = { ...item, ...JSON.parse(text) };
    }
    await client.disconnect();
    return item;
  }

  async save(userId, item) {
    const client = createClient({ url: this.url });
    await client.connect();
    const transaction = client.multi();
    for (const { id, ttlSeconds = 0, ...elements } of this.entries) {
      const part = {};
      for (const element of ['user', 'session', 'history', 'createdAt', 'updatedAt']) if (elements[element] && item[element]) part[element] = item[element];
      transaction.set(`${id}:${userId}`, JSON.stringify(part));
      if (ttlSeconds > 0) transaction.expire(`${id}:${userId}`, ttlSeconds);
    }
    await transaction.exec();
    await client.disconnect();
  }
}

module.exports = { Peer };
