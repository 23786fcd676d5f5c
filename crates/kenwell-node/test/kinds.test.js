// Options of the wrong kind, and options of calls: errors in words before anything is sent, as with misspelt ones.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { RedisStore } = require('../express');
const { RedisAdapter } = require('../grammy');
const { StateStore } = require('../state');
const { appWith, say } = require('./support/jovo');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const KEYS = [{ id: 'a', secret: 'ab'.repeat(32) }];
const refused = (message) => ({ code: 'KENWELL_SETTINGS', message });
const storeWith = (options) => new StateStore({ connectionString: redis.url, ...options });

/** What says how Redis is reached, for every store. */
const CONNECTION = [
  [{ tls: 'yes' }, /setting tls: .*true, false, or an object/],
  [{ tls: 1 }, /setting tls:/],
  [{ tls: { skipVerify: 'no' } }, /tls\.skipVerify: .*true or false/],
  [{ cluster: 1 }, /setting cluster: .*true, false, or an object/],
  [{ cluster: ['h:1'] }, /setting cluster:/],
  [{ maxValueBytes: -1 }, /maxValueBytes/],
  [{ maxValueBytes: '1' }, /maxValueBytes/],
  [{ maxValueBytes: NaN }, /maxValueBytes/],
  [{ encryption: { keys: KEYS, acceptPlaintext: 'no' } }, /encryption\.acceptPlaintext: .*true or false/],
];
/** Ours, of StateStore and of Jovo's plugin. */
const OURS = [
  [{ refreshOnLoad: 'no' }, /refreshOnLoad: .*true or false/],
  [{ overwriteCorrupt: 0 }, /overwriteCorrupt: .*true or false/],
  [{ profile: 'shop' }, /profile: .*\{ prefix: "shop" \}/],
  [{ profile: { prefix: 5 } }, /profile\.prefix: .*a text/],
];
/** Jovo's, where StateStore is strict. */
const STRICT = [
  [{ keyPrefix: 5 }, /keyPrefix: .*a text/],
  [{ keySeparator: 0 }, /keySeparator: .*a text/],
  [{ onCreateKey: 'key' }, /onCreateKey: .*a function/],
  [{ onEncodeValue: {} }, /onEncodeValue: .*a function/],
  [{ onDecodeValue: true }, /onDecodeValue: .*a function/],
  [{ entries: [{ id: 'data', user: 'yes' }] }, /entries\[0\]\.user: .*true or false/],
];

test('every store refuses options of the wrong kind when it is made', () => {
  for (const [options, words] of [...CONNECTION, ...OURS, ...STRICT]) assert.throws(() => storeWith(options), refused(words), JSON.stringify(options));
  for (const Store of [RedisStore, RedisAdapter]) {
    for (const [options, words] of CONNECTION) assert.throws(() => new Store({ connectionString: redis.url, ...options }), refused(words), JSON.stringify(options));
  }
});

test('so does Jovo\'s plugin with its first request, and nothing is stored', async () => {
  for (const [options, words] of [...CONNECTION, ...OURS]) {
    const error = await (async () => say(await appWith(new RedisDb({ connectionString: redis.url, ...options })), 'ada'))().catch((caught) => caught);
    assert.equal(error?.code, 'KENWELL_SETTINGS', JSON.stringify(options));
    assert.match(error.message, words);
  }
  assert.equal(await redis.ask('DBSIZE'), 0);
});

test('what Jovo\'s plugin has always taken, it takes', async () => {
  await say(await appWith(new RedisDb({ connectionString: redis.url, keyPrefix: 5, entries: [{ id: 'data', user: 'yes' }, { id: 'none' }] })), 'ada');
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['5:data:ada', '5:none:ada']);
});

test('what is null is not said', async () => {
  const store = storeWith({ keyPrefix: null, keySeparator: null, entries: null, tls: null, maxValueBytes: null, historyList: null, ttlSeconds: null });
  await store.save('ada', { user: { data: 1 } });
  assert.equal(await redis.ask('EXISTS', 'data:ada'), 1);
});

test('an entry that would hold nothing, or lives for a time that is none, is an error', () => {
  assert.throws(() => storeWith({ entries: [{ id: 'data' }] }), refused(/entries\[0\]: "data" holds nothing.* user, session/));
  assert.throws(() => storeWith({ entries: [{ id: 'data', user: false }] }), refused(/holds nothing/));
  for (const ttlSeconds of [-1, NaN, Infinity, 1.5, 2 ** 32, '60s']) {
    assert.throws(() => storeWith({ entries: [{ id: 'data', user: true, ttlSeconds }] }), refused(/ttlSeconds of entry "data"/), String(ttlSeconds));
    assert.throws(() => storeWith({ historyList: { id: 'turns', size: 3, ttlSeconds } }), refused(/ttlSeconds of entry "turns"/), String(ttlSeconds));
    assert.throws(() => storeWith({ ttlSeconds }), refused(/ttlSeconds/), String(ttlSeconds));
  }
});

test('ttlSeconds of a store is that of each entry that does not say its own, and of the list', async () => {
  const entries = [{ id: 'data', user: true }, { id: 'kept', session: true, ttlSeconds: 0 }];
  const store = storeWith({ ttlSeconds: 60, entries, historyList: { id: 'turns', size: 3 } });
  await store.save('ada', { user: { data: 1 } });
  await store.appendHistory('ada', 1);
  const left = Object.fromEntries((await store.list('ada')).map(({ entry, expiresInMs }) => [entry, expiresInMs]));
  assert.equal(left.kept, null);
  for (const entry of ['data', 'turns']) assert.ok(left[entry] > 50_000 && left[entry] <= 60_000, `${entry} ${left[entry]}`);
  await storeWith({ ttlSeconds: 60 }).save('bob', {});
  assert.ok((await redis.ask('TTL', 'data:bob')) > 50);
});

test('options of calls, and what calls are given', async () => {
  const store = storeWith();
  const change = () => {};
  for (const options of [null, 5, 'x', [1]]) {
    await assert.rejects(store.update('ada', change, options), refused(/options: they must be an object/));
    await assert.rejects(store.save('ada', {}, options), refused(/options: they must be an object/));
    await assert.rejects(storeWith().close(options), refused(/options: they must be an object/));
  }
  for (const timeoutMs of [-1, NaN, '5', null]) await assert.rejects(storeWith().close({ timeoutMs }), refused(/timeoutMs/));
  for (const users of [undefined, null, 'ada', new Set(['ada'])]) await assert.rejects(store.loadMany(users), refused(/loadMany: it needs a list/));
  await assert.rejects(store.loadMany(['ada', 5]), refused(/userId/));
  assert.equal(await redis.ask('DBSIZE'), 0);
});

test('parts of parts that no record has are refused, unless others have stored them', async () => {
  const store = storeWith();
  for (const [record, words] of [
    [{ user: { dta: 1 } }, /record\.user\.dta: .*did you mean data\?/],
    [{ user: { data: {}, visits: 1 } }, /record\.user\.visits: .*there are data/],
    [{ session: { id: 'a', stat: [] } }, /record\.session\.stat: .*did you mean state\?/],
    [{ history: { item: [] } }, /record\.history\.item: .*did you mean items\?/],
  ]) {
    for (const call of [() => store.save('ada', record), () => store.saveIfUnchanged('ada', record), () => store.update('ada', () => record)]) await assert.rejects(call(), refused(words));
  }
  await assert.rejects(store.update('ada', (record) => { record.user.visits = 1; }), refused(/record\.user\.visits/));
  assert.equal(await redis.ask('DBSIZE'), 0);
  await redis.ask('SET', 'data:ada', '{"user":{"data":{},"mood":1},"session":{"isNew":true}}');
  await store.update('ada', (record) => { record.user.data.n = 1; });
  assert.deepEqual(JSON.parse(await redis.ask('GET', 'data:ada')).user, { data: { n: 1 }, mood: 1 });
});

test('ids are texts, in every store: nothing else, nothing empty, and no halves of characters', async () => {
  const [state, sessions, chats] = [storeWith(), new RedisStore({ connectionString: redis.url }), new RedisAdapter({ connectionString: redis.url })];
  for (const id of [undefined, null, '', 5, 1n, {}, ['ada'], Symbol('ada'), 'ada\ud800', '\udc00ada']) {
    const calls = [
      () => state.load(id), () => state.save(id, {}), () => state.update(id, () => {}), () => state.delete(id), () => state.has(id), () => state.touch(id), () => state.list(id),
      () => sessions.get(id), () => sessions.set(id, { cookie: {} }), () => sessions.touch(id, { cookie: {} }), () => sessions.destroy(id),
      () => chats.read(id), () => chats.write(id, {}), () => chats.delete(id), () => chats.has(id),
    ];
    for (const call of calls) await assert.rejects(call(), refused(/(userId|sid|key): it (must be a text that is not empty|has half a surrogate pair)/), String(id));
  }
  assert.equal(await redis.ask('DBSIZE'), 0);
  for (const id of ['ada\u{1f600}', 'a b\n', 'x'.repeat(1_000_000)]) {
    await state.save(id, { user: { data: id } });
    assert.equal((await state.load(id)).user.data, id);
  }
});
