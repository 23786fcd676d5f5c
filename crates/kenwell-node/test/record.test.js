// What a record is: when it was made, which version it is, and what is no record at all.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options) => new StateStore({ connectionString: redis.url, ...options });
const stored = async (key = 'data:ada') => JSON.parse(await redis.ask('GET', key));
const json = (record) => JSON.parse(JSON.stringify(record));

/** Waits until the clock shows another time, so that a time that is made anew would differ. */
async function anotherTime() {
  const time = Date.now();
  while (Date.now() === time) await new Promise((resolve) => setImmediate(resolve));
}

const COPIES = {
  'the record itself': (record) => record,
  'a spread': (record) => ({ ...record }),
  'Object.assign': (record) => Object.assign({}, record),
  structuredClone: (record) => structuredClone(record),
  JSON: json,
};

test('createdAt is set once, however often a new record or a copy of it is saved', async () => {
  const store = storeWith();
  const record = { user: { data: { n: 1 } } };
  await Promise.all([store.save('ada', record), store.save('ada', record)]);
  const { createdAt, updatedAt } = await stored();
  assert.deepEqual(record, { user: { data: { n: 1 } } });
  for (const copy of [record, { ...record, session: {} }, Object.freeze({ ...record })]) {
    await anotherTime();
    await store.save('ada', copy);
    assert.equal((await stored()).createdAt, createdAt);
    assert.notEqual((await stored()).updatedAt, updatedAt);
  }
  // Another user's record is another record.
  await store.save('bob', record);
  assert.notEqual((await stored('data:bob')).createdAt, createdAt);
});

test('createdAt of what was loaded stays in all copies', async () => {
  const store = storeWith();
  await store.save('ada', {});
  const { createdAt } = await stored();
  for (const [name, copy] of Object.entries(COPIES)) {
    await anotherTime();
    await store.save('ada', copy(await store.load('ada')));
    assert.equal((await stored()).createdAt, createdAt, name);
  }
});

test('a copy of what was loaded is saved if nobody else has saved, and conflicts otherwise', async () => {
  const store = storeWith();
  await store.save('ada', { user: { data: { n: 0 } } });
  let n = 0;
  for (const [name, copy] of Object.entries(COPIES)) {
    const loaded = await store.load('ada');
    const [mine, other] = [copy(loaded), json(loaded)];
    mine.user = { data: { n: ++n } };
    await store.saveIfUnchanged('ada', mine);
    assert.equal((await stored()).user.data.n, n, name);
    await assert.rejects(store.saveIfUnchanged('ada', other), { code: 'KENWELL_CONFLICT' }, name);
    // What was saved is a version itself, and so are its copies.
    const again = copy(mine);
    again.user.data.n = ++n;
    await store.saveIfUnchanged('ada', again);
    await assert.rejects(store.saveIfUnchanged('ada', loaded === again ? other : loaded), { code: 'KENWELL_CONFLICT' }, name);
    assert.equal((await stored()).user.data.n, n, name);
  }
});

test('of two copies that are saved at once exactly one wins', async () => {
  const store = storeWith();
  await store.save('ada', { user: { data: { n: 0 } } });
  for (let round = 1; round <= 200; round++) {
    const loaded = await store.load('ada');
    const copies = [structuredClone(loaded), json(loaded), { ...loaded }];
    const results = await Promise.allSettled(copies.map((copy) => store.saveIfUnchanged('ada', { ...copy, user: { data: { n: copy.user.data.n + 1 } } })));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, `round ${round}`);
    for (const { reason } of results.filter(({ status }) => status === 'rejected')) assert.equal(reason.code, 'KENWELL_CONFLICT');
  }
  assert.equal((await stored()).user.data.n, 200);
});

test('a save of the program itself is no conflict', async () => {
  const store = storeWith();
  const record = { user: { data: 1 } };
  await store.save('ada', record);
  await store.saveIfUnchanged('ada', record);
  await store.saveIfUnchanged('ada', structuredClone(record));
  const loaded = await store.load('ada');
  await store.save('ada', loaded);
  await store.saveIfUnchanged('ada', structuredClone(loaded));
  // Another store with the same keys.
  await storeWith().saveIfUnchanged('ada', await store.load('ada'));
});

test('a record without a version is saved if nothing is stored, and the conflict says what to do', async () => {
  const store = storeWith();
  await store.saveIfUnchanged('ada', { user: { data: 1 } });
  await assert.rejects(store.saveIfUnchanged('ada', { user: { data: 2 } }), { code: 'KENWELL_CONFLICT', message: /load it again/ });
  // One that was deleted meanwhile does not come back by itself.
  const loaded = await store.load('ada');
  await store.delete('ada');
  await assert.rejects(store.saveIfUnchanged('ada', loaded), { code: 'KENWELL_CONFLICT' });
  await assert.rejects(store.saveIfUnchanged('ada', json(loaded)), { code: 'KENWELL_CONFLICT', message: /nothing is stored any more/ });
  assert.equal(await store.load('ada'), null);
  const { updatedAt, ...fresh } = loaded;
  await store.saveIfUnchanged('ada', fresh);
  // Of another user, it is new there.
  await store.saveIfUnchanged('bob', await store.load('ada'));
});

test('where no entry stores updatedAt, the record itself has a version, and a copy is new', async () => {
  const store = storeWith({ entries: [{ id: 'user', user: true }] });
  const record = { user: { data: 1 } };
  await store.saveIfUnchanged('ada', record);
  assert.deepEqual(record, { user: { data: 1 } });
  await store.saveIfUnchanged('ada', record);
  await store.saveIfUnchanged('ada', await store.load('ada'));
  await assert.rejects(store.saveIfUnchanged('ada', { ...(await store.load('ada')) }), { code: 'KENWELL_CONFLICT' });
});

const NO_RECORDS = ['[]', '[1]', '"text"', '""', '5', '0', 'null', 'true', 'false', '{"user":"text"}', '{"user":[]}', '{"user":5}', '{"session":true}', '{"session":[]}', '{"history":[]}', '{"history":{"items":{}}}', '{"createdAt":"someday"}', '{"updatedAt":{}}'];

test('stored JSON that is no record is an error, and is not overwritten', async () => {
  const store = storeWith();
  for (const text of NO_RECORDS) {
    await redis.ask('SET', 'data:ada', text);
    const expected = { code: 'KENWELL_CORRUPT_VALUE', entry: 'data', key: 'data:ada', message: /is no record/ };
    await assert.rejects(store.load('ada'), expected, text);
    await assert.rejects(store.loadMany(['ada']), expected, text);
    await assert.rejects(store.save('ada', { user: { data: 1 } }), expected, text);
    await assert.rejects(store.saveIfUnchanged('ada', {}), (error) => /^KENWELL_(CORRUPT_VALUE|CONFLICT)$/.test(error.code), text);
    assert.equal(await redis.ask('GET', 'data:ada'), text);
    // Repaired, it can be used again.
    await redis.ask('SET', 'data:ada', '{"user":null,"session":"","history":{},"createdAt":0}');
    await store.save('ada', await store.load('ada'));
  }
});

test('the same holds for one of several entries, and for what a hook decodes', async () => {
  const store = storeWith({ entries: [{ id: 'user', user: true }, { id: 'session', session: true }] });
  await store.save('ada', { user: { data: 1 }, session: { data: 2 } });
  await redis.ask('SET', 'session:ada', '[]');
  await assert.rejects(store.load('ada'), { code: 'KENWELL_CORRUPT_VALUE', entry: 'session', key: 'session:ada' });
  await assert.rejects(store.save('ada', {}), { code: 'KENWELL_CORRUPT_VALUE', entry: 'session' });
  assert.equal(await redis.ask('GET', 'session:ada'), '[]');
  await redis.ask('SET', 'data:bob', 'x');
  for (const decoded of [null, undefined, [], 'text', 5, Promise.resolve(null)]) {
    await assert.rejects(storeWith({ onDecodeValue: () => decoded }).load('bob'), { code: 'KENWELL_CORRUPT_VALUE' });
  }
});

test('overwriteCorrupt gives up what is no record', async () => {
  const store = storeWith({ overwriteCorrupt: true });
  for (const text of NO_RECORDS) {
    await redis.ask('SET', 'data:ada', text);
    assert.equal(await store.load('ada'), null, text);
    await store.save('ada', { user: { data: 1 } });
    assert.equal((await store.load('ada')).user.data, 1);
  }
});

test('what counts as not stored does not stand in the way of a new record', async () => {
  for (const text of ['', '[]', '{"user']) {
    await redis.ask('SET', 'data:ada', text);
    const store = storeWith({ overwriteCorrupt: true });
    assert.equal(await store.load('ada'), null);
    await store.saveIfUnchanged('ada', { user: { data: text } });
    assert.equal((await stored()).user.data, text);
  }
});

test('what could not be loaded again is not saved', async () => {
  for (const record of [{ user: 'text' }, { user: [] }, { session: 5 }, { history: { items: 'x' } }, { createdAt: 'someday' }, null, undefined, 5, 'text', []]) {
    await assert.rejects(storeWith().save('ada', record), { code: 'KENWELL_SETTINGS', message: /^setting record: / }, JSON.stringify(record));
  }
  assert.equal(await redis.ask('EXISTS', 'data:ada'), 0);
  await storeWith().save('ada', { createdAt: new Date('2024-01-01') });
  assert.equal((await stored()).createdAt, '2024-01-01T00:00:00.000Z');
});
