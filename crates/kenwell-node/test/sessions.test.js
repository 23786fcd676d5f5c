// The session store without a framework: what is stored, what is merged, and what does not come back.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisStore } = require('../express');
const { RedisAdapter } = require('../grammy');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options = {}) => new RedisStore({ connectionString: redis.url, ...options });
const adapterWith = (options = {}) => new RedisAdapter({ connectionString: redis.url, ...options });
const stored = async (key) => JSON.parse(await redis.ask('GET', key));
const HOUR = 3_600_000;
const cookieFor = (ms) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms).toISOString(), httpOnly: true, path: '/' });
const secret = 'ab'.repeat(32);

test('keys, JSON and times to live are those of connect-redis', async () => {
  const store = storeWith();
  const session = { cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }, user: 'ada' };
  assert.equal(await store.set('one', session), null);
  assert.equal(await redis.ask('GET', 'sess:one'), JSON.stringify(session));
  assert.ok((await redis.ask('TTL', 'sess:one')) > 86_390);
  await store.set('two', { cookie: cookieFor(60_000) });
  assert.ok((await redis.ask('TTL', 'sess:two')) <= 60);
  assert.deepEqual(await store.get('one'), session);
  assert.equal(await store.get('three'), null);
  await redis.ask('SET', 'sess:empty', '');
  assert.equal(await store.get('empty'), null);
});

test('ttl, disableTTL and disableTouch', async () => {
  const session = { cookie: {}, level: 7 };
  await storeWith({ ttl: 30 }).set('a', session);
  assert.ok((await redis.ask('TTL', 'sess:a')) <= 30);
  await storeWith({ ttl: ({ level }) => level * 100 }).set('a', session);
  assert.ok((await redis.ask('TTL', 'sess:a')) > 690);
  await storeWith({ disableTouch: true }).touch('a', { cookie: cookieFor(HOUR) });
  assert.ok((await redis.ask('TTL', 'sess:a')) <= 700);
  await storeWith({ disableTTL: true }).set('a', { cookie: cookieFor(HOUR) });
  assert.equal(await redis.ask('TTL', 'sess:a'), -1);
  await storeWith({ ttl: () => 0 }).set('a', session);
  assert.equal(await redis.ask('EXISTS', 'sess:a'), 0);
  await storeWith().set('b', { cookie: cookieFor(HOUR) });
  await storeWith().set('b', { cookie: cookieFor(-1) });
  assert.equal(await redis.ask('EXISTS', 'sess:b'), 0, 'a cookie that is over');
});

test('callbacks and promises', async () => {
  const store = storeWith();
  const called = (method, ...args) => new Promise((resolve, reject) => {
    const returned = store[method](...args, (error, value) => (error ? reject(error) : resolve(value)));
    assert.equal(returned, undefined);
  });
  await called('set', 'a', { cookie: {}, n: 1 });
  assert.equal((await called('get', 'a')).n, 1);
  assert.equal(await called('get', 'b'), null);
  await called('touch', 'a', { cookie: {} });
  assert.equal(await called('length'), 1);
  assert.deepEqual(await called('ids'), ['a']);
  assert.deepEqual((await called('all')).map(({ id, n }) => [id, n]), [['a', 1]]);
  await called('destroy', 'a');
  await called('clear');
  assert.equal(await called('length'), 0);
  await redis.ask('LPUSH', 'sess:list', 'x');
  await assert.rejects(called('get', 'list'), { code: 'KENWELL_REFUSED', redisCode: 'WRONGTYPE' });
});

test('ids, all, length and clear find what has the prefix, and nothing else', async () => {
  const store = storeWith({ prefix: 's[1]*:', scanCount: 7 });
  await redis.ask('SET', 's1:other', '{}');
  await redis.ask('SET', 'sess:other', '{}');
  await Promise.all(Array.from({ length: 1_200 }, (_, index) => store.set(`id${index}`, { cookie: {}, index })));
  assert.equal(await store.length(), 1_200);
  assert.equal(new Set(await store.ids()).size, 1_200);
  const all = await store.all();
  assert.ok(all.every(({ id, index }) => id === `id${index}`) && all.length === 1_200);
  await store.clear();
  assert.equal(await store.length(), 0);
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['s1:other', 'sess:other']);
});

test('overlapping saves: each keeps what it has changed, at any depth', async () => {
  const store = storeWith();
  await store.set('a', { cookie: cookieFor(HOUR), count: 1, cart: { apples: 1, items: { pears: 1 } }, gone: true, kept: 1 });
  const [one, other] = [await store.get('a'), await store.get('a')];
  one.user = 'ada';
  one.cart.apples = 2;
  delete one.gone;
  other.cart.items.pears = 5;
  other.cart.items.plums = 1;
  other.count = 2;
  await Promise.all([store.set('a', one), store.set('a', other)]);
  const { cookie: _, ...rest } = await stored('sess:a');
  assert.deepEqual(rest, { count: 2, cart: { apples: 2, items: { pears: 5, plums: 1 } }, kept: 1, user: 'ada' });
});

test('a value that both have changed: the last save wins it, or it is an error, or a function decides', async () => {
  const both = async (store) => {
    await store.set('a', { cookie: {}, visits: 1, list: ['x'] });
    const [one, other] = [await store.get('a'), await store.get('a')];
    Object.assign(one, { visits: 2, list: ['x', 'y'], mine: 1 });
    Object.assign(other, { visits: 2, list: ['x', 'z'], yours: 1 });
    await store.set('a', one);
    return store.set('a', other);
  };
  await both(storeWith());
  const session = await stored('sess:a');
  assert.deepEqual([session.visits, session.list, session.mine, session.yours], [2, ['x', 'z'], 1, 1]);

  await assert.rejects(both(storeWith({ onConflict: 'error' })), { code: 'KENWELL_CONFLICT', message: /"list"/, key: 'sess:a' });
  assert.equal((await stored('sess:a')).yours, undefined, 'nothing was saved');

  const added = storeWith({
    onConflict: ({ path, base, theirs, mine }) => {
      if (path[0] === 'visits') return theirs + mine - base;
      return path[0] === 'list' ? [...theirs, ...mine.slice(base.length)] : mine;
    },
  });
  await both(added);
  assert.deepEqual((({ list, visits }) => [list, visits])(await stored('sess:a')), [['x', 'y', 'z'], 3], 'both have counted, to the same number');
  await assert.rejects(both(storeWith({ onConflict: async () => 1 })), { code: 'KENWELL_SETTINGS' });
});

test('a session that was destroyed, or has expired, is not brought back by a save that comes late', async () => {
  const store = storeWith();
  await store.set('a', { cookie: cookieFor(HOUR) });
  const late = await store.get('a');
  late.more = true;
  await store.destroy('a');
  assert.equal(await store.set('a', late), null);
  await store.touch('a', late);
  assert.equal(await store.get('a'), null);
  const strict = storeWith({ onConflict: 'error' });
  await store.set('a', { cookie: {} });
  const held = await strict.get('a');
  await store.destroy('a');
  await assert.rejects(strict.set('a', held), { code: 'KENWELL_CONFLICT', message: /destroyed/ });
  await strict.touch('a', held);
  // At the same moment, in either order.
  await store.set('b', { cookie: {} });
  const session = await store.get('b');
  await Promise.all([store.destroy('b'), store.set('b', session)]);
  assert.equal(await redis.ask('EXISTS', 'sess:b'), 0);
});

test('an object that was not read replaces what is stored', async () => {
  const store = storeWith();
  await store.set('a', { cookie: {}, one: 1 });
  await store.set('a', { cookie: {}, two: 2 });
  assert.deepEqual(await stored('sess:a'), { cookie: {}, two: 2 });
  // Read under another id, as when a session gets a new one.
  await store.set('b', await store.get('a'));
  assert.deepEqual(await stored('sess:b'), { cookie: {}, two: 2 });
});

test('saved twice, a session loses nothing that others have saved in between, and deletes nothing of theirs', async () => {
  const store = storeWith();
  const session = { cookie: {}, step: 1 };
  await store.set('a', session);
  const other = await store.get('a');
  other.theirs = 1;
  await store.set('a', other);
  session.step = 2;
  await store.set('a', session);
  session.step = 3;
  session.draft = 1;
  const first = store.set('a', session);
  delete session.draft;
  await Promise.all([first, store.set('a', session)]);
  assert.deepEqual(await stored('sess:a'), { theirs: 1, step: 3, cookie: {} });
});

test('of two cookies the later end counts, but who changed how long it lives has the say', async () => {
  const store = storeWith();
  const begin = async () => {
    await store.set('a', { cookie: cookieFor(HOUR) });
    return [await store.get('a'), await store.get('a')];
  };
  let [one, other] = await begin();
  one.cookie = cookieFor(30 * 24 * HOUR); // remember me
  other.x = 1;
  other.cookie = cookieFor(HOUR);
  await store.set('a', one);
  await store.set('a', other);
  assert.equal((await stored('sess:a')).cookie.originalMaxAge, 30 * 24 * HOUR);
  assert.ok((await redis.ask('TTL', 'sess:a')) > 29 * 86_400);

  [one, other] = await begin();
  one.cookie = { ...cookieFor(HOUR), expires: new Date(Date.now() + HOUR + 5_000).toISOString() };
  other.cookie = cookieFor(HOUR);
  await store.set('a', one);
  await store.set('a', other);
  assert.equal((await stored('sess:a')).cookie.expires, one.cookie.expires);

  [one, other] = await begin();
  one.x = 1;
  other.cookie = cookieFor(60_000); // shortened
  other.cookie.secure = true;
  await store.set('a', one);
  await store.set('a', other);
  assert.ok((await redis.ask('TTL', 'sess:a')) <= 60);
  assert.equal((await stored('sess:a')).cookie.secure, true);
});

test('a touch begins the time anew and saves a changed cookie, and nothing else', async () => {
  const store = storeWith();
  await store.set('a', { cookie: {}, n: 1 });
  await redis.ask('EXPIRE', 'sess:a', 100);
  const session = await store.get('a');
  await store.touch('a', session);
  assert.ok((await redis.ask('TTL', 'sess:a')) > 86_000);
  const other = await store.get('a');
  other.n = 2;
  await store.set('a', other);
  session.cookie = cookieFor(HOUR);
  await store.touch('a', session);
  assert.deepEqual(await stored('sess:a'), { n: 2, cookie: session.cookie });
});

test('encrypted, under hashed ids', async () => {
  const options = { encryption: { keys: [{ id: 'k', secret }] }, hashIds: { secret: 'sixteen bytes or more' } };
  const store = storeWith(options);
  await store.set('a', { cookie: {}, user: 'ada' });
  const [key] = await redis.ask('KEYS', '*');
  assert.match(key, /^sess:[0-9a-f]{64}$/);
  assert.match(await redis.ask('GET', key), /^kw1\.k\./);
  const [one, other] = [await store.get('a'), await store.get('a')];
  one.x = 1;
  other.y = 1;
  await Promise.all([store.set('a', one), store.set('a', other)]);
  assert.deepEqual(await store.get('a'), { cookie: {}, user: 'ada', x: 1, y: 1 });
  assert.equal(await store.length(), 1);
  assert.deepEqual(await store.all(), [{ cookie: {}, user: 'ada', x: 1, y: 1 }]);
  await assert.rejects(store.ids(), { code: 'KENWELL_SETTINGS' });
  // Another key, and plaintext.
  await assert.rejects(storeWith({ ...options, encryption: { keys: [{ id: 'k', secret: 'cd'.repeat(32) }] } }).get('a'), { code: 'KENWELL_CORRUPT_VALUE' });
  await storeWith().set('plain', { cookie: {} });
  await assert.rejects(storeWith({ encryption: options.encryption }).get('plain'), { code: 'KENWELL_CORRUPT_VALUE', message: /not encrypted/ });
  assert.ok(await storeWith({ encryption: { ...options.encryption, acceptPlaintext: true } }).get('plain'));
});

test('what is misspelt or cannot work is an error before anything is sent', () => {
  const wrong = (options, message) => assert.throws(() => storeWith(options), { code: 'KENWELL_SETTINGS', message });
  wrong({ encription: {} }, /did you mean encryption/);
  wrong({ encryption: { keys: [{ id: 'k', secrets: secret }] } }, /secret/);
  wrong({ encryption: { keys: [{ id: 'k', secret: 'short' }] } }, /32 bytes/);
  wrong({ hashIds: { secret: 'short' } }, /16 bytes/);
  wrong({ client: {} }, /connectionString/);
  wrong({ ttl: -1 }, /ttl/);
  wrong({ serializer: {} }, /serializer/);
  wrong({ onConflict: 'both' }, /onConflict/);
  wrong({ prefix: 5 }, /prefix/);
  assert.throws(() => new RedisStore(), { code: 'KENWELL_SETTINGS' });
  assert.throws(() => new RedisAdapter({ instance: {} }), { code: 'KENWELL_SETTINGS', message: /connectionString/ });
  assert.throws(() => adapterWith({ inital: () => 1 }), { code: 'KENWELL_SETTINGS', message: /did you mean initial/ });
});

test('stored JSON that is none is an error that tells nothing of it', async () => {
  await redis.ask('SET', 'sess:a', 'not {json');
  await assert.rejects(storeWith().get('a'), (error) => error.code === 'KENWELL_CORRUPT_VALUE' && error.key === 'sess:a' && error.cause === undefined && !/json/.test(error.message));
  await redis.ask('SET', 'chat', 'not {json');
  await assert.rejects(adapterWith().read('chat'), { code: 'KENWELL_CORRUPT_VALUE', key: 'chat' });
});

test('a serializer of the program, which may take its time to parse', async () => {
  const reverse = (text) => [...text].reverse().join('');
  const serializer = { stringify: (session) => reverse(JSON.stringify(session)), parse: async (text) => JSON.parse(reverse(text)) };
  const store = storeWith({ serializer });
  await store.set('a', { cookie: {} });
  assert.equal(await redis.ask('GET', 'sess:a'), '}}{:"eikooc"{');
  const [one, other] = [await store.get('a'), await store.get('a')];
  one.x = 1;
  other.y = 1;
  await Promise.all([store.set('a', one), store.set('a', other)]);
  assert.deepEqual(await store.get('a'), { cookie: {}, x: 1, y: 1 });
});
