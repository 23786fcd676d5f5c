// Mistakes with session stores are errors in words, and stores of sessions can be closed.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisStore } = require('../express');
const { RedisAdapter } = require('../grammy');
const { until } = require('./support/redis');
const { sharedNetwork } = require('./support/servers');

const { redis, proxy } = sharedNetwork();

const storeWith = (options = {}) => new RedisStore({ connectionString: redis.url, ...options });
const adapterWith = (options = {}) => new RedisAdapter({ connectionString: redis.url, ...options });
const refused = (message) => ({ code: 'KENWELL_SETTINGS', message });

test('options of the wrong kind are errors when a store is made', () => {
  for (const [options, words] of [
    [{ disableTTL: 'no' }, /disableTTL: .*true or false/],
    [{ disableTouch: 1 }, /disableTouch: .*true or false/],
    [{ scanCount: 0 }, /scanCount/],
    [{ hashIds: { secret: 'short' } }, /setting hashIds\.secret: .*16 bytes/],
  ]) assert.throws(() => storeWith(options), refused(words));
  assert.throws(() => adapterWith({ autoParseDates: 'no' }), refused(/autoParseDates: .*true or false/));
  assert.throws(() => adapterWith({ initial: {} }), refused(/initial: .*a function/));
});

test('what is no session is not saved, and not taken for one', async () => {
  const store = storeWith();
  for (const session of [undefined, null, 5, 'text', true]) await assert.rejects(store.set('a', session), refused(/session/), String(session));
  await assert.rejects(storeWith({ serializer: { parse: JSON.parse, stringify: () => undefined } }).set('a', { cookie: {} }), { code: 'KENWELL_HOOK', message: /stringify returned undefined/ });
  const cycle = { cookie: {} };
  cycle.self = cycle;
  for (const session of [cycle, { cookie: {}, n: 1n }]) await assert.rejects(store.set('a', session), TypeError);
  assert.equal(await redis.ask('DBSIZE'), 0);
  for (const text of ['5', '"text"', 'null', 'true']) {
    await redis.ask('SET', 'sess:a', text);
    await assert.rejects(store.get('a'), { code: 'KENWELL_CORRUPT_VALUE', key: 'sess:a' }, text);
  }
});

test('a session that `initial` makes later is merged too', async () => {
  const adapter = adapterWith({ initial: async () => ({ names: {} }) });
  const [one, other] = await Promise.all([adapter.read('1'), adapter.read('1')]);
  one.names.one = 1;
  other.names.other = 1;
  await Promise.all([adapter.write('1', one), adapter.write('1', other)]);
  assert.deepEqual(JSON.parse(await redis.ask('GET', '1')), { names: { one: 1, other: 1 } });
});

const isClosed = { code: 'KENWELL_CLOSED' };

test('a close waits for what has begun, lets nothing begin, and gives the connection back', async () => {
  const others = await redis.clients();
  const store = storeWith({ connectionString: proxy.url });
  const adapter = adapterWith({ connectionString: proxy.url, prefix: 'chat:' });
  await Promise.all([store.set('a', { cookie: {} }), adapter.write('1', { n: 1 })]);
  const session = await store.get('a');
  session.n = 2;
  proxy.set('hold', 'up');
  const saving = [store.set('a', session), adapter.write('1', { n: 2 })];
  const closing = [store.close(), adapter.close()];
  const refusals = [
    () => store.get('a'), () => store.set('a', session), () => store.touch('a', session), () => store.destroy('a'),
    () => store.all(), () => store.ids(), () => store.length(), () => store.clear(),
    () => adapter.read('1'), () => adapter.write('1', {}), () => adapter.delete('1'), () => adapter.has('1'),
    () => adapter.readAllKeys().next(), () => adapter.readAllValues().next(), () => adapter.readAllEntries().next(),
  ];
  for (const call of refusals) await assert.rejects(call(), isClosed);
  assert.equal((await new Promise((resolve) => store.get('a', resolve))).code, 'KENWELL_CLOSED');
  proxy.set('pass');
  await Promise.all([...saving, ...closing]);
  assert.equal(JSON.parse(await redis.ask('GET', 'sess:a')).n, 2);
  assert.deepEqual(JSON.parse(await redis.ask('GET', 'chat:1')), { n: 2 });
  await until(async () => (await redis.clients()) === others);
  await Promise.all([store.close(), adapter.close()]);
});

test('a close does not wait for ever', async () => {
  const store = storeWith({ connectionString: proxy.url });
  await store.set('a', { cookie: {} });
  proxy.set('hold', 'up');
  const saving = store.set('a', { cookie: {}, n: 1 }).catch((error) => error);
  await assert.rejects(store.close({ timeoutMs: 20 }), { code: 'KENWELL_TIMEOUT' });
  await assert.rejects(storeWith().close({ timeout: 5 }), refused(/did you mean timeoutMs\?/));
  assert.ok(await saving);
});

test('what goes on after a close sends nothing more', async () => {
  let wait = null;
  let reading = null;
  const parse = async (text) => {
    reading?.();
    await wait;
    return JSON.parse(text);
  };
  const others = await redis.clients();
  const store = storeWith({ serializer: { parse, stringify: JSON.stringify }, commandTimeoutMs: 60_000 });
  await store.set('a', { cookie: {} });
  const session = await store.get('a');
  await redis.ask('SET', 'sess:a', '{"cookie":{},"theirs":1}');
  session.mine = 1;
  // It has to look at what somebody else has stored.
  let goOn;
  wait = new Promise((resolve) => (goOn = resolve));
  const looks = new Promise((resolve) => (reading = resolve));
  const saving = assert.rejects(store.set('a', session), isClosed);
  await looks;
  await assert.rejects(store.close({ timeoutMs: 1 }), { code: 'KENWELL_TIMEOUT' });
  goOn();
  await saving;
  assert.equal(await redis.ask('GET', 'sess:a'), '{"cookie":{},"theirs":1}');
  await until(async () => (await redis.clients()) === others);
});
