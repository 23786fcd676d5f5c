// Today's clients, each with one connection that stays open, and with the commands that ours sends: GET and SET … EX,
// several of them in one MULTI. `read(keys)` gives texts, `write([{ key, text, ttl }])` writes.
'use strict';

const LIMIT_MS = 5000;

const several = (list) => list.length > 1;

const clients = {
  async '@redis/client'(url) {
    const client = require('@redis/client').createClient({ url, commandOptions: { timeout: LIMIT_MS } });
    await client.connect();
    const expiration = (ttl) => (ttl > 0 ? { EX: ttl } : undefined);
    return {
      read: async (keys) => (several(keys) ? keys.reduce((multi, key) => multi.get(key), client.multi()).exec() : [await client.get(keys[0])]),
      write: (writes) => {
        if (several(writes)) return writes.reduce((multi, { key, text, ttl }) => multi.set(key, text, expiration(ttl)), client.multi()).exec();
        const [{ key, text, ttl }] = writes;
        return client.set(key, text, expiration(ttl));
      },
    };
  },

  async ioredis(url) {
    const client = new (require('ioredis').Redis)(url, { enableAutoPipelining: true, commandTimeout: LIMIT_MS });
    const set = ({ key, text, ttl }) => (ttl > 0 ? [key, text, 'EX', ttl] : [key, text]);
    return {
      read: async (keys) => {
        if (!several(keys)) return [await client.get(keys[0])];
        const replies = await keys.reduce((multi, key) => multi.get(key), client.multi()).exec();
        return replies.map(([error, text]) => {
          if (error) throw error;
          return text;
        });
      },
      write: (writes) => (several(writes) ? writes.reduce((multi, write) => multi.set(...set(write)), client.multi()).exec() : client.set(...set(writes[0]))),
    };
  },

  async 'valkey-glide'(url) {
    const { Batch, GlideClient, TimeUnit } = require('@valkey/valkey-glide');
    const { hostname, port } = new URL(url);
    const client = await GlideClient.createClient({ addresses: [{ host: hostname, port: Number(port) }], requestTimeout: LIMIT_MS });
    const options = (ttl) => (ttl > 0 ? { expiry: { type: TimeUnit.Seconds, count: ttl } } : undefined);
    return {
      read: async (keys) => (several(keys) ? client.exec(keys.reduce((batch, key) => batch.get(key), new Batch(true)), true) : [await client.get(keys[0])]),
      write: (writes) => {
        if (several(writes)) return client.exec(writes.reduce((batch, { key, text, ttl }) => batch.set(key, text, options(ttl)), new Batch(true)), true);
        const [{ key, text, ttl }] = writes;
        return client.set(key, text, options(ttl));
      },
    };
  },
};

module.exports = { clients };
