// StateStore: records of users, without Jovo.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { KenwellError, StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options) => new StateStore({ connectionString: redis.url, ...options });

test('what was saved is loaded; nothing stored is null', async () => {
  const store = storeWith();
  assert.equal(await store.load('ada'), null);
  await store.save('ada', { user: { data: { name: 'Ada', text: '€ 𝄞 \ud83d "' } } });
  const record = await store.load('ada');
  assert.deepEqual(record.user, { data: { name: 'Ada', text: '€ 𝄞 \ud83d "' } });
  assert.equal(record.createdAt, record.updatedAt);
  assert.equal(await store.delete('ada'), true);
  assert.equal(await store.delete('ada'), false);
  assert.equal(await store.load('ada'), null);
});

test('the same record for Jovo, byte for byte', async () => {
  await storeWith({ keyPrefix: 'app' }).save('ada', { updatedAt: 'old', createdAt: '2024-01-01T00:00:00.000Z', session: { id: 's' }, user: { data: { n: 1e21 } } });
  const text = await redis.ask('GET', 'app:data:ada');
  assert.match(text, /^\{"user":\{"data":\{"n":1e\+21\}\},"session":\{"id":"s"\},"createdAt":"2024-01-01T00:00:00.000Z","updatedAt":"\d{4}-[^"]+Z"\}$/);
});

test('entries have keys and times to live of their own, set with the value', async () => {
  const store = storeWith({
    entries: [
      { id: 'user', user: true },
      { id: 'session', session: true, ttlSeconds: 100 },
    ],
  });
  await store.save('ada', { user: { data: {} }, session: { id: 's' } });
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['session:ada', 'user:ada']);
  assert.equal(await redis.ask('TTL', 'user:ada'), -1);
  assert.ok((await redis.ask('TTL', 'session:ada')) > 90);
  assert.deepEqual(await store.load('ada'), { user: { data: {} }, session: { id: 's' } });
});

test('a save of several entries is one transaction, a save of one is one command', async () => {
  const commands = async () => (await redis.ask('INFO', 'commandstats')).match(/cmdstat_(multi|exec|set|expire):calls=\d+/g) ?? [];
  await redis.ask('CONFIG', 'RESETSTAT');
  await storeWith().save('ada', {});
  assert.deepEqual(await commands(), ['cmdstat_set:calls=1']);
  await redis.ask('CONFIG', 'RESETSTAT');
  await storeWith({ entries: [{ id: 'a', user: true, ttlSeconds: 5 }, { id: 'b', session: true }] }).save('ada', {});
  assert.deepEqual((await commands()).sort(), ['cmdstat_exec:calls=1', 'cmdstat_multi:calls=1', 'cmdstat_set:calls=2']);
});

test('of two overlapping saveIfUnchanged exactly one wins, 1,000 rounds', async () => {
  const store = storeWith({ entries: [{ id: 'user', user: true }, { id: 'times', updatedAt: true }] });
  await store.save('ada', { user: { data: { n: 0 } } });
  for (let round = 1; round <= 1000; round++) {
    const records = await Promise.all([store.load('ada'), store.load('ada')]);
    const results = await Promise.allSettled(
      records.map((record) => {
        record.user.data.n += 1;
        return store.saveIfUnchanged('ada', record);
      }),
    );
    const lost = results.filter(({ status }) => status === 'rejected');
    assert.equal(lost.length, 1, `round ${round}`);
    assert.equal(lost[0].reason.code, 'KENWELL_CONFLICT');
  }
  assert.equal((await store.load('ada')).user.data.n, 1000);
});

test('saveIfUnchanged of a new record needs that nothing is stored, and can go on', async () => {
  const store = storeWith();
  const record = { user: { data: { n: 1 } } };
  await store.saveIfUnchanged('ada', record);
  await assert.rejects(store.saveIfUnchanged('ada', { user: { data: { n: 2 } } }), { code: 'KENWELL_CONFLICT' });
  record.user.data.n = 3;
  await store.saveIfUnchanged('ada', record);
  assert.equal((await store.load('ada')).user.data.n, 3);
});

test('many users come in one round trip, in their order', async () => {
  const store = storeWith();
  await store.save('b', { user: { data: { name: 'b' } } });
  const records = await store.loadMany(['a', 'b', 'c']);
  assert.deepEqual(records.map((record) => record?.user.data.name), [undefined, 'b', undefined]);
  await assert.rejects(store.loadMany(new Array(1001).fill('a')), { code: 'KENWELL_SETTINGS' });
});

test('the profile comes along, and is never saved', async () => {
  await redis.ask('HSET', 'user:ada', 'plan', 'pro');
  const store = storeWith({ profile: true });
  const record = await store.load('ada');
  assert.deepEqual({ ...record.profile }, { plan: 'pro' });
  assert.deepEqual(Object.keys(record), []);
  await store.saveIfUnchanged('ada', record);
  assert.ok(!(await redis.ask('GET', 'data:ada')).includes('pro'));
  await redis.ask('SET', 'user:bob', 'no hash');
  await assert.rejects(store.load('bob'), { code: 'KENWELL_REFUSED', redisCode: 'WRONGTYPE', message: /user:bob/ });
});

test('errors name entry and key, Redis keeps its own code, and values stay secret', async () => {
  const store = storeWith();
  await redis.ask('RPUSH', 'data:ada', 'hunter2');
  const wrongType = await store.load('ada').catch((error) => error);
  assert.ok(wrongType instanceof KenwellError);
  assert.deepEqual([wrongType.code, wrongType.redisCode, wrongType.entry, wrongType.key, wrongType.retryable], ['KENWELL_REFUSED', 'WRONGTYPE', 'data', 'data:ada', false]);
  await redis.ask('DEL', 'data:ada');
  await redis.ask('SET', 'data:ada', '{"hunter2');
  const corrupt = await store.load('ada').catch((error) => error);
  assert.deepEqual([corrupt.code, corrupt.entry, corrupt.key], ['KENWELL_CORRUPT_VALUE', 'data', 'data:ada']);
  for (const error of [wrongType, corrupt]) assert.ok(!require('node:util').inspect(error).includes('hunter2'));
  await assert.rejects(store.save('ada', {}), { code: 'KENWELL_CORRUPT_VALUE' });
});

test('the real reason of a refused save is told, not that the transaction was discarded', async () => {
  const entries = [{ id: 'a', user: true }, { id: 'b', user: true }];
  await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
  try {
    await assert.rejects(storeWith({ entries }).save('ada', {}), { code: 'KENWELL_REFUSED', redisCode: 'OOM', entry: 'a', key: 'a:ada' });
  } finally {
    await redis.ask('CONFIG', 'SET', 'maxmemory', '0');
  }
});

test('the same of a refused deletion', async () => {
  await redis.ask('ACL', 'SETUSER', 'part', 'on', '>pw', '+@all', '~a:*');
  const store = new StateStore({ connectionString: `redis://part:pw@127.0.0.1:${redis.port}`, entries: [{ id: 'a', user: true }, { id: 'b', session: true }] });
  await assert.rejects(store.delete('ada'), { code: 'KENWELL_REFUSED', redisCode: 'NOPERM', entry: 'b', key: 'b:ada' });
});

test('hooks name keys and make values, also asynchronously', async () => {
  const later = (value) => new Promise((resolve) => setImmediate(() => resolve(value)));
  const store = storeWith({
    entries: [{ id: 'a', user: true }, { id: 'b', session: true }],
    onCreateKey: (userId, entry) => (entry.id === 'a' ? later(`${userId}/a`) : `${userId}/b`),
    onEncodeValue: (_entryId, part) => later(require('node:zlib').gzipSync(JSON.stringify(part))),
    onDecodeValue: (_entryId, bytes) => JSON.parse(require('node:zlib').gunzipSync(bytes)),
  });
  await store.save('ada', { user: { data: 1 }, session: { data: 2 } });
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['ada/a', 'ada/b']);
  assert.deepEqual(await store.load('ada'), { user: { data: 1 }, session: { data: 2 } });
  await assert.rejects(storeWith({ onCreateKey: () => undefined }).load('ada'), { code: 'KENWELL_HOOK', entry: 'data' });
  await assert.rejects(storeWith({ onEncodeValue: () => undefined }).save('ada', {}), { code: 'KENWELL_HOOK', entry: 'data' });
});

test('large values and odd keys come back as they were', async () => {
  const store = storeWith();
  const text = 'ä€𝄞\u0000\n'.repeat(300_000);
  for (const user of ['a b', 'a:b', '\n\u0000', 'ü€𝄞', 'x'.repeat(5000)]) {
    await store.save(user, { user: { data: { user, text } } });
    assert.deepEqual((await store.load(user)).user.data, { user, text });
  }
});

test('settings that cannot work are refused at once, without showing them', () => {
  for (const [options, word] of [
    [{ connectionString: '<YOUR-REDIS-URI>' }, 'redis://'],
    [{ connectionString: 'http://hunter2@h' }, 'redis://'],
    [{ connectionString: 'redis://u:hunter2@h:6379/x' }, 'database number'],
    [{ connectionString: 'redis://u:hunter2%@h' }, '%25'],
    [{ connectTimeoutMs: 0 }, 'connectTimeoutMs'],
    [{ commandTimeoutMs: '5s' }, 'commandTimeoutMs'],
    [{ sentinel: {} }, 'sentinel.master'],
    [{ cluster: { nodes: [] } }, 'cluster.nodes'],
    [{ tls: { cert: 'x' } }, 'cert and key'],
    [{ entries: 'data' }, 'entries'],
  ]) {
    const error = (() => {
      try {
        return storeWith(options);
      } catch (caught) {
        return caught;
      }
    })();
    assert.equal(error.code, 'KENWELL_SETTINGS', JSON.stringify(options));
    assert.ok(error.message.includes(word), error.message);
    assert.ok(!require('node:util').inspect(error).includes('hunter2'));
  }
});
