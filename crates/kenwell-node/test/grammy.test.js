// grammY's adapter without a bot: what is stored, what is merged, and what does not come back.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisAdapter } = require('../grammy');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const adapterWith = (options = {}) => new RedisAdapter({ connectionString: redis.url, ...options });
const stored = async (key) => JSON.parse(await redis.ask('GET', key));

test('keys and JSON are those of @grammyjs/storage-redis', async () => {
  const adapter = adapterWith({ ttl: 60, autoParseDates: true });
  assert.equal(await adapter.read('1'), undefined);
  const since = new Date('2026-01-02T03:04:05.678Z');
  await adapter.write('1', { since, n: 1 });
  assert.equal(await redis.ask('GET', '1'), '{"since":"2026-01-02T03:04:05.678Z","n":1}');
  assert.ok((await redis.ask('TTL', '1')) <= 60);
  assert.deepEqual(await adapter.read('1'), { since, n: 1 });
  await adapterWith().write('1', 'text');
  assert.equal(await redis.ask('TTL', '1'), -1);
  assert.equal(await adapter.read('1'), 'text');
  assert.equal(await adapter.has('1'), true);
  await adapter.delete('1');
  assert.equal(await adapter.has('1'), false);
  await assert.rejects(adapter.write('1', undefined), { code: 'KENWELL_SETTINGS' });
});

test('a text that only looks like a date stays a text', async () => {
  const adapter = adapterWith({ autoParseDates: true });
  const typed = { when: '2026-13-45T25:00:00Z', then: '9999-99-99T99:99:99' };
  await adapter.write('1', typed);
  const read = await adapter.read('1');
  assert.deepEqual(read, typed);
  read.n = 1;
  await adapter.write('1', read);
  assert.deepEqual(await stored('1'), { ...typed, n: 1 });
});

test('names, values and entries are listed without the prefix', async () => {
  const adapter = adapterWith({ prefix: 'bot:' });
  const collected = async (items) => {
    const list = [];
    for await (const item of items) list.push(item);
    return list.sort();
  };
  await redis.ask('SET', 'other', '{}');
  await redis.ask('LPUSH', 'bot:list', 'x');
  await adapter.write('1', { n: 1 });
  await adapter.write('2', { n: 2 });
  assert.deepEqual(await collected(adapter.readAllKeys()), ['1', '2', 'list']);
  assert.deepEqual(await collected(adapter.readAllEntries()), [['1', { n: 1 }], ['2', { n: 2 }]]);
  assert.deepEqual((await collected(adapter.readAllValues())).map(({ n }) => n).sort(), [1, 2]);
});

test('overlapping updates of one chat are merged, the first ones too, and a deleted session stays deleted', async () => {
  const adapter = adapterWith({ initial: () => ({ count: 0, names: {} }) });
  const pair = () => Promise.all([adapter.read('1'), adapter.read('1')]);
  let [one, other] = await pair();
  one.names.a = 1;
  other.names.b = 1;
  other.count = 1;
  await Promise.all([adapter.write('1', one), adapter.write('1', other)]);
  assert.deepEqual(await stored('1'), { count: 1, names: { a: 1, b: 1 } });
  [one, other] = await pair();
  one.names.c = 1;
  other.names.a = 2;
  await Promise.all([adapter.write('1', one), adapter.write('1', other)]);
  assert.deepEqual((await stored('1')).names, { a: 2, b: 1, c: 1 });
  [one, other] = await pair();
  await adapter.delete('1');
  one.names.d = 1;
  await adapter.write('1', one);
  assert.equal(await adapter.has('1'), false);
  await adapter.write('1', { count: 5 });
  assert.deepEqual(await stored('1'), { count: 5 });
  const strict = adapterWith({ onConflict: 'error' });
  [one, other] = [await strict.read('1'), await strict.read('1')];
  one.count = 6;
  other.count = 7;
  await strict.write('1', one);
  await assert.rejects(strict.write('1', other), { code: 'KENWELL_CONFLICT', message: /"count"/ });
});
