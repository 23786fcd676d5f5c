// A history beside the record, in a Redis list.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { Proxy } = require('./support/proxy');
const { until } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (historyList, options) => new StateStore({ connectionString: redis.url, historyList, ...options });

test('the newest turns stay and the record is not touched', async () => {
  const store = storeWith({ id: 'turns', size: 3, ttlSeconds: 60 });
  assert.deepEqual(await store.history('ada'), []);
  const record = { user: { data: { visits: 1 } } };
  await store.saveIfUnchanged('ada', record);
  for (let turn = 1; turn <= 5; turn++) await store.appendHistory('ada', turn);
  assert.deepEqual(await store.history('ada'), [5, 4, 3]);
  assert.deepEqual(await redis.ask('LRANGE', 'turns:ada', 0, -1), ['5', '4', '3']);
  const left = await redis.ask('TTL', 'turns:ada');
  assert.ok(left >= 1 && left <= 60);
  await store.saveIfUnchanged('ada', record);
  assert.ok(!('history' in (await store.load('ada'))));
  assert.equal(await store.delete('ada'), true);
  assert.equal(await redis.ask('DBSIZE'), 0);
});

test('several turns are added in one step, the oldest first, and a list only is no record', async () => {
  const store = storeWith({ id: 'turns', size: 3 });
  await store.appendHistory('ada', []);
  assert.equal(await redis.ask('DBSIZE'), 0);
  await redis.ask('CONFIG', 'RESETSTAT');
  await store.appendHistory('ada', [1, 2, { text: 'ü "x"' }, 4, [5]]);
  assert.match(await redis.ask('INFO', 'commandstats'), /cmdstat_lpush:calls=1/);
  assert.deepEqual(await store.history('ada'), [[5], 4, { text: 'ü "x"' }]);
  assert.deepEqual([await store.has('ada'), await store.load('ada')], [false, null]);
});

test('turns keep their chosen fields and are sealed', async () => {
  const encryption = { keys: [{ id: 'a', secret: '1f'.repeat(32) }], entries: ['turns'] };
  const store = storeWith({ id: 'turns', size: 3, fields: ['output', 'nlu', 'none'] }, { encryption });
  const turn = { nlu: 1, secret: 2, output: 'hi' };
  await store.appendHistory('ada', [turn, 'text']);
  assert.deepEqual(turn, { nlu: 1, secret: 2, output: 'hi' });
  assert.match(await redis.ask('LINDEX', 'turns:ada', 0), /^kw1\.a\./);
  const [newest, older] = await store.history('ada');
  assert.deepEqual([newest, JSON.stringify(older)], ['text', '{"output":"hi","nlu":1}']);
  await redis.ask('LPUSH', 'turns:ada', '{}');
  await assert.rejects(store.history('ada'), { code: 'KENWELL_CORRUPT_VALUE', entry: 'turns', key: 'turns:ada' });
  assert.equal((await storeWith({ id: 'turns', size: 3 }, { encryption, overwriteCorrupt: true }).history('ada')).length, 2);
});

test('hooks make and read turns', async () => {
  const later = (value) => new Promise((resolve) => setImmediate(() => resolve(value)));
  const store = storeWith({ id: 'turns', size: 9 }, {
    onCreateKey: (userId, { id }) => later(`${id}:${userId}`),
    onEncodeValue: (entryId, turn) => later(`${entryId} ${JSON.stringify(turn)}`),
    onDecodeValue: (entryId, text) => later(JSON.parse(text.slice(entryId.length))),
  });
  const turn = { text: 'then' };
  const appended = [store.appendHistory('ada', turn), store.appendHistory('ada', 2)];
  turn.text = 'now';
  await Promise.all(appended);
  assert.deepEqual(await redis.ask('LRANGE', 'turns:ada', 0, -1), ['turns 2', 'turns {"text":"then"}']);
  assert.deepEqual(await store.history('ada'), [2, { text: 'then' }]);
});

test('a turn without an answer is not added again', async () => {
  const proxy = await Proxy.start(redis.port);
  try {
    const store = storeWith({ id: 'turns', size: 9 }, { connectionString: proxy.url, commandTimeoutMs: 60_000 });
    await store.appendHistory('ada', 1);
    proxy.set('swallow', 'down');
    const appending = store.appendHistory('ada', 2);
    const refused = assert.rejects(appending, { code: 'KENWELL_UNCERTAIN' });
    await until(async () => (await redis.ask('LLEN', 'turns:ada')) === 2);
    proxy.cut();
    await refused;
    assert.deepEqual(await storeWith({ id: 'turns', size: 9 }).history('ada'), [2, 1]);
  } finally {
    proxy.close();
  }
});

test('what cannot work is said', async () => {
  const without = new StateStore({ connectionString: redis.url });
  for (const call of [() => without.appendHistory('ada', 1), () => without.history('ada')]) await assert.rejects(call(), { code: 'KENWELL_SETTINGS', message: /historyList/ });
  for (const [list, words] of [
    [{ id: 'turns' }, /historyList\.size/],
    [{ id: 'turns', size: 0 }, /10000/],
    [{ id: 'turns', size: 10_001 }, /10000/],
    [{ id: 'data', size: 1 }, /"data"/],
    [{ size: 1 }, /historyList\.id/],
    [{ id: 'turns', size: 1, fields: 'output' }, /historyList\.fields/],
    [{ id: 'turns', size: 1, ttl: 5 }, /did you mean ttlSeconds\?/],
    [{ id: 'turns', size: 1, ttlSeconds: 1.5 }, /ttlSeconds/],
    ['turns', /historyList/],
  ]) assert.throws(() => storeWith(list), { code: 'KENWELL_SETTINGS', message: words });
  const store = storeWith({ id: 'turns', size: 3 }, { maxValueBytes: 50 });
  await assert.rejects(store.appendHistory('ada', undefined), { code: 'KENWELL_SETTINGS', message: /turn/ });
  await assert.rejects(store.appendHistory('ada', 'x'.repeat(50)), { code: 'KENWELL_TOO_LARGE', entry: 'turns', key: 'turns:ada' });
  await redis.ask('SET', 'turns:ada', 'text');
  for (const call of [() => store.appendHistory('ada', 1), () => store.history('ada')]) {
    await assert.rejects(call(), { code: 'KENWELL_REFUSED', redisCode: 'WRONGTYPE', entry: 'turns', key: 'turns:ada' });
  }
  assert.equal(await redis.ask('GET', 'turns:ada'), 'text');
});
