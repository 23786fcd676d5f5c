// In a cluster, too, calls on one key take effect in the order in which they were begun, and what was confirmed is never undone.
'use strict';

const assert = require('node:assert/strict');
const { before, test } = require('node:test');

const { StateStore } = require('../state');
const { freePort, until } = require('./support/redis');
const { LIMIT_MS, randomWrites } = require('./support/random-writes');
const { sharedNetwork } = require('./support/servers');

/** One node that has all slots, and a network before it. */
const { redis, proxy } = sharedNetwork(async (node) => {
  node.args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', String(await freePort())];
});
before(async () => {
  await until(() => redis.child);
  await until(async () => (await redis.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)) === 'OK');
  await until(async () => (await redis.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
});

const options = (limit) => ({
  connectionString: proxy.url,
  cluster: true,
  addressMap: { [`127.0.0.1:${redis.port}`]: proxy.url.replace('redis://', '') },
  connectTimeoutMs: limit,
  commandTimeoutMs: limit,
});
const data = async (user) => JSON.parse(await redis.ask('GET', `data:${user}`))?.user.data;

test('a confirmed save is not undone by an older one whose bytes arrive late', async () => {
  const store = new StateStore(options(3000));
  for (let round = 0; round < 2; round++) {
    await store.save('ada', { user: { data: 'before' } });
    proxy.set('hold', 'up');
    await assert.rejects(store.save('ada', { user: { data: 'old' } }), { code: 'KENWELL_TIMEOUT' });
    await store.save('ada', { user: { data: round } });
    proxy.release();
    await redis.ask('PING');
    assert.equal(await data('ada'), round, `round ${round}`);
  }
});

test('a save that was cut is repeated, and a newer one waits for it', async () => {
  const store = new StateStore(options(60_000));
  for (let round = 0; round < 20; round++) {
    await store.save('ada', { user: { data: 'before' } });
    proxy.set('swallow', round % 2 === 0 ? 'up' : 'down');
    const older = Promise.all(Array.from({ length: 20 }, (_, index) => store.save(index === 10 ? 'ada' : `user-${index}`, { user: { data: 'old' } })));
    const newer = store.save('ada', { user: { data: round } });
    await new Promise((resolve) => setTimeout(resolve, round % 5));
    proxy.cut();
    await Promise.all([older, newer]);
    assert.equal(await data('ada'), round, `round ${round}`);
  }
});

test('a comparison that was sent and not answered ends as uncertain, and is not repeated', async () => {
  const store = new StateStore({ ...options(60_000), historyList: { id: 'turns', size: 10 } });
  const record = { user: { data: 'before' } };
  await store.save('ada', record);
  await store.appendHistory('ada', [1]);
  proxy.set('swallow', 'down');
  const calls = [store.saveIfUnchanged('ada', record), store.appendHistory('ada', [2])].map((call) => assert.rejects(call, { code: 'KENWELL_UNCERTAIN' }));
  await until(async () => (await redis.ask('LLEN', 'turns:ada')) === 2);
  proxy.cut();
  await Promise.all(calls);
  assert.deepEqual(await store.history('ada'), [2, 1]);
});

test('random saves and deletes over a random network: the last that was confirmed, or a newer one, is what is stored', () =>
  randomWrites(new StateStore(options(LIMIT_MS)), { redis, proxy, calls: 1000 }));
