// What is stored and for how long, without reading it; and times to live that differ from those of the entries.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const DAY = 86_400;
const ENTRIES = [{ id: 'data', user: true, createdAt: true, updatedAt: true }, { id: 'session', session: true, ttlSeconds: 60 }];
const storeWith = (options) => new StateStore({ connectionString: redis.url, entries: ENTRIES, ...options });

test('a touch begins times to live anew and writes nothing', async () => {
  const store = storeWith();
  assert.equal(await store.has('ada'), false);
  assert.equal(await store.touch('ada'), false);
  const record = { user: { data: { visits: 1 } }, session: { id: 's' } };
  await store.saveIfUnchanged('ada', record);
  assert.equal(await store.has('ada'), true);
  await redis.ask('EXPIRE', 'session:ada', 30);
  const before = await redis.ask('GET', 'data:ada');
  assert.equal(await store.touch('ada'), true);
  assert.ok((await redis.ask('TTL', 'session:ada')) > 50);
  assert.equal(await redis.ask('TTL', 'data:ada'), -1);
  assert.equal(await redis.ask('GET', 'data:ada'), before);
  // Whoever loaded before may still save.
  await store.saveIfUnchanged('ada', record);
  assert.equal(await store.touch('ada', { ttlSeconds: DAY }), true);
  for (const key of ['data:ada', 'session:ada']) assert.ok((await redis.ask('TTL', key)) > 86_000);
});

test('a save may have a time to live of its own', async () => {
  const store = storeWith();
  const record = {};
  await store.save('ada', record, { ttlSeconds: 30 * DAY });
  for (const key of ['data:ada', 'session:ada']) assert.ok((await redis.ask('TTL', key)) > 2_590_000);
  const loaded = await store.load('ada');
  await store.saveIfUnchanged('ada', loaded, { ttlSeconds: 0 });
  assert.equal(await redis.ask('TTL', 'session:ada'), -1);
  await store.save('ada', loaded);
  assert.ok((await redis.ask('TTL', 'session:ada')) <= 60);
  const before = await redis.ask('GET', 'data:ada');
  for (const ttlSeconds of [-1, 1.5, '60', 2 ** 32, NaN]) {
    for (const call of [() => store.save('ada', {}, { ttlSeconds }), () => store.saveIfUnchanged('ada', loaded, { ttlSeconds }), () => store.touch('ada', { ttlSeconds }), () => store.update('ada', () => {}, { ttlSeconds })]) {
      await assert.rejects(call(), { code: 'KENWELL_SETTINGS', message: /ttlSeconds/ });
    }
  }
  await assert.rejects(store.save('ada', {}, { ttl: 60 }), { code: 'KENWELL_SETTINGS', message: /options\.ttl: .*did you mean ttlSeconds\?/ });
  assert.equal(await redis.ask('GET', 'data:ada'), before);
});

test('entries are listed as they lie there', async () => {
  const store = storeWith({ entries: [...ENTRIES, { id: 'more', history: true }], historyList: { id: 'turns', size: 3 } });
  assert.deepEqual(await store.list('ada'), []);
  await store.save('ada', { user: { data: { visits: 1 } } });
  await redis.ask('DEL', 'more:ada');
  await redis.ask('SET', 'session:ada', Buffer.from([0xff, 0xfe]), 'EX', 60);
  await store.appendHistory('ada', 1);
  const listed = await store.list('ada');
  assert.deepEqual(listed.map(({ entry, key }) => [entry, key]), [['data', 'data:ada'], ['session', 'session:ada'], ['turns', 'turns:ada']]);
  assert.equal(listed[0].value, await redis.ask('GET', 'data:ada'));
  assert.deepEqual(listed[1].value, Buffer.from([0xff, 0xfe]));
  // A list is no value.
  assert.equal(listed[2].value, null);
  assert.deepEqual([listed[0].expiresInMs, listed[2].expiresInMs], [null, null]);
  assert.ok(listed[1].expiresInMs > 50_000 && listed[1].expiresInMs <= 60_000);
});

test('keys of hooks and hashed user ids are those of saves', async () => {
  for (const options of [{ hashUserIds: { secret: 'sixteen bytes...' } }, { onCreateKey: async (userId, { id }) => `${userId}/${id}` }]) {
    const store = storeWith({ ...options, historyList: { id: 'turns', size: 3 } });
    await store.save('ada', {});
    await store.appendHistory('ada', { text: 'hi' });
    assert.equal(await store.has('ada'), true);
    assert.equal(await store.touch('ada'), true);
    assert.deepEqual((await store.list('ada')).map(({ key }) => key).sort(), (await redis.ask('KEYS', '*')).sort());
    assert.equal(await store.delete('ada'), true);
    assert.equal(await redis.ask('DBSIZE'), 0);
  }
});

test('a refusal names the entry', async () => {
  await redis.ask('ACL', 'SETUSER', 'app', 'on', '>p', '~data:*', '+@all');
  const store = storeWith({ connectionString: redis.url.replace('//', '//app:p@') });
  for (const call of [() => store.has('ada'), () => store.touch('ada'), () => store.list('ada')]) {
    await assert.rejects(call(), { code: 'KENWELL_REFUSED', redisCode: 'NOPERM', entry: 'session', key: 'session:ada' });
  }
});

test('what is no value of the store keeps its own time to live', async () => {
  const store = storeWith({ entries: [{ id: 'data', user: true, ttlSeconds: 60 }], historyList: { id: 'turns', size: 3, ttlSeconds: 60 } });
  const refused = (entry) => ({ code: 'KENWELL_REFUSED', redisCode: 'WRONGTYPE', entry, key: `${entry}:ada` });
  await redis.ask('SET', 'turns:ada', 'text');
  for (const call of [() => store.appendHistory('ada', 1), () => store.touch('ada')]) await assert.rejects(call(), refused('turns'));
  assert.deepEqual([await redis.ask('TTL', 'turns:ada'), await redis.ask('GET', 'turns:ada')], [-1, 'text']);
  await redis.ask('DEL', 'turns:ada');
  await store.appendHistory('ada', 1);
  await redis.ask('RPUSH', 'data:ada', 'item');
  await assert.rejects(store.touch('ada', { ttlSeconds: DAY }), refused('data'));
  assert.equal(await redis.ask('TTL', 'data:ada'), -1);
  await redis.ask('DEL', 'data:ada');
  assert.equal(await store.touch('ada', { ttlSeconds: DAY }), true);
  assert.ok((await redis.ask('TTL', 'turns:ada')) > 86_000);
});

test('a touch and its neighbours take effect in the order in which they were begun', async () => {
  const store = storeWith({ entries: [{ id: 'data', user: true, ttlSeconds: 60 }], historyList: { id: 'turns', size: 100 } });
  const results = await Promise.all([
    store.touch('ada'),
    store.save('ada', {}),
    store.touch('ada', { ttlSeconds: DAY }),
    ...Array.from({ length: 40 }, (_, turn) => store.appendHistory('ada', turn)),
    store.has('ada'),
    store.history('ada'),
    store.delete('ada'),
    store.has('ada'),
  ]);
  assert.deepEqual([results[0], results[2]], [false, true]);
  assert.deepEqual(results.slice(-4), [true, Array.from({ length: 40 }, (_, turn) => 39 - turn), true, false]);
});
