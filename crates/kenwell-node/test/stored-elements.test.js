// Which parts of a record are stored, sessions that are over, and histories that are cut.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (storedElements, options) => new StateStore({ connectionString: redis.url, storedElements, ...options });
const stored = async () => JSON.parse(await redis.ask('GET', 'data:ada'));
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

test('a session that was not touched for so long is over', async () => {
  const session = (updatedAt) => redis.ask('SET', 'data:ada', JSON.stringify({ user: { data: 1 }, session: { id: 's', data: { n: 1 }, updatedAt } }));
  const cases = [
    [true, 870, true],
    [true, 910, false],
    [{ expiresAfterSeconds: 60 }, 30, true],
    [{ expiresAfterSeconds: 60 }, 65, false],
    [{ enabled: true, expiresAfterSeconds: 60 }, -100, true],
    // Nothing was said about sessions.
    [undefined, 10_000_000, true],
  ];
  for (const [element, age, isThere] of cases) {
    await session(ago(age));
    const record = await storeWith({ session: element }).load('ada');
    assert.equal(record.session !== undefined, isThere, JSON.stringify([element, age]));
    assert.equal(record.user.data, 1);
    if (isThere && element !== undefined) assert.ok(Date.now() - Date.parse(record.session.updatedAt) < 10_000, 'a load touches it');
  }
  for (const odd of [undefined, 'yesterday']) {
    await session(odd);
    assert.equal((await storeWith({ session: true }).load('ada')).session.id, 's');
  }
});

test('a session has its times from the first save on, in the order in which Jovo writes them', async () => {
  const store = storeWith({ session: { expiresAfterSeconds: 60 } });
  const record = { session: { state: ['asked'], data: { n: 1 }, id: 's' } };
  await store.save('ada', record);
  const text = await redis.ask('GET', 'data:ada');
  assert.match(text, /^\{"session":\{"id":"s","data":\{"n":1\},"state":\["asked"\],"createdAt":"[^"]+","updatedAt":"[^"]+"\},"createdAt"/);
  const { session } = await stored();
  assert.deepEqual([record.session.createdAt, record.session.updatedAt], [session.createdAt, session.updatedAt]);
  const loaded = await store.load('ada');
  await store.saveIfUnchanged('ada', loaded);
  assert.equal((await stored()).session.createdAt, session.createdAt);
  await store.saveIfUnchanged('ada', { ...structuredClone(loaded), session: { id: 'other' } });
  assert.deepEqual((await stored()).session.data, {});
});

test('a history is cut to its size, and new turns keep their chosen fields', async () => {
  const whole = storeWith({ history: true });
  const items = [1, 2, 3, 4].map((n) => ({ n, output: `said ${n}` }));
  await whole.save('ada', { history: { items } });
  assert.deepEqual((await stored()).history.items, items.slice(0, 3));
  const chosen = storeWith({ history: { size: 2, fields: ['output'] } });
  const record = await chosen.load('ada');
  record.history.items.unshift({ secret: 1, output: 'new' });
  await chosen.saveIfUnchanged('ada', record);
  // What was stored already stays as it is.
  assert.deepEqual((await stored()).history.items, [{ output: 'new' }, { n: 1, output: 'said 1' }]);
  assert.equal(record.history.items.length, 4);
  await storeWith({ history: { size: 0 } }).save('ada', record);
  assert.deepEqual((await stored()).history.items, []);
});

test('what is switched off is neither stored nor loaded, and what is not named is as before', async () => {
  const all = { user: { data: 1 }, session: { id: 's' }, history: { items: [1, 2, 3, 4, 5] } };
  await storeWith(undefined).save('ada', structuredClone(all));
  const store = storeWith({ session: false, history: { enabled: false }, createdAt: false, updatedAt: false, user: { enabled: true } });
  assert.deepEqual(await store.load('ada'), { user: { data: 1 } });
  await store.save('ada', structuredClone(all));
  assert.equal(await redis.ask('GET', 'data:ada'), '{"user":{"data":1}}');
  await storeWith({}).save('ada', structuredClone(all));
  assert.deepEqual(Object.keys(await stored()), ['user', 'session', 'history', 'createdAt', 'updatedAt']);
  assert.equal((await stored()).history.items.length, 5);
});

test('what cannot work is said', () => {
  for (const [elements, words] of [
    ['user', /storedElements/],
    [{ sesion: true }, /storedElements\.sesion: .*did you mean session\?/],
    [{ session: { expireAfterSeconds: 5 } }, /did you mean expiresAfterSeconds\?/],
    [{ session: { expiresAfterSeconds: 0 } }, /expiresAfterSeconds/],
    [{ session: 900 }, /storedElements\.session/],
    [{ history: { siez: 5 } }, /did you mean size\?/],
    [{ history: { size: -1 } }, /history\.size/],
    [{ history: { fields: [1] } }, /history\.fields/],
    [{ createdAt: {} }, /createdAt/],
    [{ user: { enable: false } }, /did you mean enabled\?/],
  ]) assert.throws(() => storeWith(elements), { code: 'KENWELL_SETTINGS', message: words }, JSON.stringify(elements));
});
