// The session store where others are faster, the network breaks, and Redis is a cluster.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisStore } = require('../express');
const { Proxy } = require('./support/proxy');
const { PATIENCE_MS, Redis, freePort, until } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options = {}) => new RedisStore({ connectionString: redis.url, ...options });
const stored = async (key) => JSON.parse(await redis.ask('GET', key));

test('many processes at one session: nothing is lost', async () => {
  // Stores of other settings have connections of their own, and no common order.
  const stores = Array.from({ length: 8 }, (_, index) => storeWith({ commandTimeoutMs: PATIENCE_MS + index }));
  await stores[0].set('a', { cookie: {} });
  for (let round = 0; round < 5; round++) {
    const sessions = await Promise.all(stores.map((store) => store.get('a')));
    await Promise.all(sessions.map((session, index) => {
      session[`${round}-${index}`] = true;
      return stores[index].set('a', session);
    }));
  }
  assert.equal(Object.keys(await stored('sess:a')).length, 41);
});

test('a connection that breaks during a save: it is found out whether it was saved', async () => {
  const proxy = await Proxy.start(redis.port);
  try {
    const store = new RedisStore({ connectionString: proxy.url });
    const saved = async (direction, seen) => {
      await store.set('a', { cookie: {} });
      const session = await store.get('a');
      session.n = direction;
      proxy.set('swallow', direction);
      const saving = store.set('a', session);
      await until(seen);
      proxy.cut();
      await saving;
      assert.equal((await stored('sess:a')).n, direction);
    };
    await saved('down', async () => (await stored('sess:a')).n === 'down');
    await saved('up', () => [...proxy.pairs].some(({ gaps }) => gaps.has('up')));
  } finally {
    proxy.close();
  }
});

test('when somebody else is faster every time, it ends with a conflict, and nothing is saved', async () => {
  let others = 0;
  const parse = async (text) => {
    if (others > 0) await redis.ask('SET', 'sess:a', JSON.stringify({ cookie: {}, others: (others += 1) }));
    return JSON.parse(text);
  };
  const store = storeWith({ serializer: { parse, stringify: JSON.stringify }, commandTimeoutMs: PATIENCE_MS });
  await store.set('a', { cookie: {} });
  const session = await store.get('a');
  session.mine = true;
  others = 1;
  await redis.ask('SET', 'sess:a', '{"cookie":{},"others":1}');
  await assert.rejects(store.set('a', session), { code: 'KENWELL_CONFLICT', retryable: true, message: /100 times/ });
  assert.equal((await stored('sess:a')).mine, undefined);
  assert.ok(others > 290);
});

test('a Redis that is silent holds nobody up for longer than the time of a call', async () => {
  const proxy = await Proxy.start(redis.port);
  try {
    const store = new RedisStore({ connectionString: proxy.url, commandTimeoutMs: 2000 });
    await store.set('a', { cookie: {} });
    proxy.treats = 'swallow';
    proxy.set('swallow');
    const began = performance.now();
    const calls = [store.set('a', { cookie: {} }), store.set('a', { cookie: {} }), store.destroy('a'), store.get('a'), store.length()];
    for (const outcome of await Promise.allSettled(calls)) assert.match(outcome.reason?.code ?? 'none', /^KENWELL_(TIMEOUT|CONNECTION)$/);
    assert.ok(performance.now() - began < 20_000);
    proxy.treats = 'pass';
    proxy.cut();
    await until(async () => (await store.get('a')) !== null);
    await store.destroy('a');
  } finally {
    proxy.close();
  }
});

test('a cluster: sessions of all its masters are listed, merged and cleared', async () => {
  const nodes = [];
  try {
    for (let node = 0; node < 2; node++) nodes.push(await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]));
    const [one, other] = nodes;
    await one.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
    await other.ask('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
    await one.ask('CLUSTER', 'SET-CONFIG-EPOCH', 1);
    await other.ask('CLUSTER', 'SET-CONFIG-EPOCH', 2);
    await one.ask('CLUSTER', 'MEET', '127.0.0.1', other.port, other.args.at(-1));
    await until(async () => (await Promise.all(nodes.map((node) => node.ask('CLUSTER', 'INFO')))).every((info) => /cluster_state:ok/.test(info)));
    const store = new RedisStore({ connectionString: one.url, cluster: true });
    await Promise.all(Array.from({ length: 40 }, (_, index) => store.set(`id${index}`, { cookie: {}, index })));
    for (const node of nodes) assert.ok((await node.ask('DBSIZE')) > 5);
    assert.equal(await store.length(), 40);
    assert.equal((await store.all()).length, 40);
    const [mine, theirs] = [await store.get('id1'), await store.get('id1')];
    mine.x = 1;
    theirs.y = 1;
    await Promise.all([store.set('id1', mine), store.set('id1', theirs)]);
    assert.deepEqual(await store.get('id1'), { cookie: {}, index: 1, x: 1, y: 1 });
    await store.clear();
    assert.equal(await store.length(), 0);
  } finally {
    for (const node of nodes) await node.stop();
  }
});
