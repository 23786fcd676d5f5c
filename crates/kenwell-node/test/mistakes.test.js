// One caller's mistake is its own: calls of the same turn share a buffer and a pipeline, and nothing else.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { connection } = require('../lib/connections');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options) => new StateStore({ connectionString: redis.url, ...options });
const BYTES = Buffer.from('{"user":{"data":"bytes"}}');
const later = (value) => new Promise((resolve) => setImmediate(() => resolve(value)));

function detached() {
  const bytes = new Uint8Array([1, 2, 3]);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

/** Good calls before, between and after these bad ones, all in one turn: the good ones are stored, each bad one fails. */
async function beside(bad) {
  const good = storeWith();
  const calls = [];
  const outcomes = [];
  for (const [index, call] of bad.entries()) {
    calls.push(good.save(`good-${index}`, { user: { data: index } }));
    outcomes.push(call().then(() => null, (error) => error));
  }
  calls.push(good.save('last', { user: { data: 'last' } }));
  await Promise.all(calls);
  for (const index of bad.keys()) assert.equal((await good.load(`good-${index}`)).user.data, index);
  assert.equal((await good.load('last')).user.data, 'last');
  return Promise.all(outcomes);
}

test('hooks may return text, a Buffer, and any view of bytes', async () => {
  const room = new ArrayBuffer(64);
  const views = [
    BYTES.toString(),
    BYTES,
    new Uint8Array(BYTES),
    new Uint8ClampedArray(BYTES),
    new Int8Array(BYTES),
    new DataView(BYTES.buffer, BYTES.byteOffset, BYTES.length),
    new Uint8Array(room, 8, BYTES.length),
    new Uint16Array(new Uint8Array([...BYTES, 0x20]).buffer),
    Promise.resolve(new Uint8Array(BYTES)),
  ];
  new Uint8Array(room, 8).set(BYTES);
  const errors = await beside(views.map((view, index) => () => storeWith({ onEncodeValue: () => view }).save(`view-${index}`, {})));
  assert.deepEqual(errors, views.map(() => null));
  for (const index of views.keys()) assert.equal((await redis.ask('GET', `data:view-${index}`)).trim(), BYTES.toString());
});

test('whatever goes wrong while a call is made, the others of its turn are not touched', async () => {
  const thrown = new Error('mine');
  const throwing = () => {
    throw thrown;
  };
  const cycle = {};
  cycle.cycle = cycle;
  const save = (options, record = {}) => async () => storeWith(options).save('bad', record);
  const cases = [
    ['mine', save({ onEncodeValue: throwing })],
    ['mine', save({ onEncodeValue: () => Promise.reject(thrown) })],
    ['mine', save({ onEncodeValue: () => later().then(throwing) })],
    ['mine', save({ onCreateKey: throwing })],
    ['mine', save({ onEncodeValue: () => ({ get then() { return throwing(); } }) })],
    ['mine', save({}, { user: { data: { toJSON: throwing } } })],
    ['mine', save({}, { get user() { return throwing(); } })],
    ['mine', save({}, new Proxy({}, { get: throwing }))],
    ['mine', save({}, new Proxy({}, { ownKeys: throwing }))],
    [TypeError, save({}, { user: { data: 1n } })],
    [TypeError, save({}, { user: { data: cycle } })],
    ['KENWELL_SETTINGS', save({}, null)],
    ['KENWELL_HOOK', save({ onEncodeValue: () => undefined })],
    ['KENWELL_HOOK', save({ onEncodeValue: () => ({}) })],
    ['KENWELL_HOOK', save({ onEncodeValue: () => [1, 2] })],
    ['KENWELL_HOOK', save({ onEncodeValue: () => Symbol('x') })],
    ['KENWELL_HOOK', save({ onEncodeValue: () => new ArrayBuffer(4) })],
    ['KENWELL_HOOK', save({ onEncodeValue: detached })],
    ['KENWELL_HOOK', save({ onEncodeValue: () => new Proxy(new Uint8Array(4), {}) })],
    ['KENWELL_HOOK', save({ onCreateKey: () => Promise.resolve(5) })],
    ['KENWELL_TOO_LARGE', save({ maxValueBytes: 10 }, { user: { data: 'more than ten' } })],
    ['KENWELL_SETTINGS', save({ entries: [{ id: 'a', user: true, ttlSeconds: 1.5 }] })],
    ['KENWELL_HOOK', () => storeWith({ onCreateKey: () => null }).load('bad')],
    ['KENWELL_HOOK', () => storeWith({ onCreateKey: () => null }).delete('bad')],
    ['mine', () => storeWith({ onEncodeValue: throwing }).saveIfUnchanged('bad', {})],
    // Past the checks, in the middle of the buffer that goes to Redis.
    [Error, async () => connection({ connectionString: redis.url }).store([{ key: 'a', value: 'b', ttl: 0 }, { key: Symbol('x'), value: 'c', ttl: 0 }], Infinity)],
    [Error, async () => connection({ connectionString: redis.url }).remove(['good-0', Symbol('x')], Infinity)],
  ];
  const errors = await beside(cases.map(([, call]) => call));
  for (const [index, [expected]] of cases.entries()) {
    const error = errors[index];
    if (expected === 'mine') assert.equal(error, thrown, `case ${index}: ${error}`);
    else if (typeof expected === 'string') assert.equal(error?.code, expected, `case ${index}: ${error}`);
    else assert.ok(error instanceof expected, `case ${index}: ${error}`);
  }
  assert.deepEqual(await redis.ask('KEYS', '*bad*'), []);
  assert.equal(await redis.ask('EXISTS', 'a'), 0);
});

test('a hook that never ends costs its own call the time limit, and nobody else anything', async () => {
  const never = () => new Promise(() => {});
  const limited = (options) => storeWith({ commandTimeoutMs: 300, ...options });
  await storeWith().save('bad', { user: { data: 'before' } });
  const errors = await beside([
    () => limited({ onEncodeValue: never }).save('bad', {}),
    () => limited({ onCreateKey: never }).save('bad', {}),
    () => limited({ onCreateKey: never }).delete('bad'),
    () => limited({ onDecodeValue: never }).load('bad'),
  ]);
  for (const error of errors) assert.deepEqual([error.code, error.retryable], ['KENWELL_TIMEOUT', true]);
  assert.equal((await storeWith().load('bad')).user.data, 'before');
});

test('a newer save of the same user is not held up by a hook that never ends', async () => {
  const options = { commandTimeoutMs: 4000 };
  const stuck = storeWith({ ...options, onEncodeValue: () => new Promise(() => {}) }).save('ada', {});
  const expected = assert.rejects(stuck, { code: 'KENWELL_TIMEOUT' });
  await storeWith(options).save('ada', { user: { data: 'newer' } });
  await expected;
  assert.equal((await storeWith().load('ada')).user.data, 'newer');
});

test('writes of one user take effect in the order in which they were begun, however long their hooks take', async () => {
  const pauses = [20, 0, 5, 0];
  const store = storeWith({
    onEncodeValue: (_entryId, part) => {
      const pause = pauses[part.user.data];
      return pause === 0 ? JSON.stringify(part) : new Promise((resolve) => setTimeout(() => resolve(JSON.stringify(part)), pause));
    },
  });
  await Promise.all(pauses.map((_pause, data) => store.save('ada', { user: { data } })));
  assert.equal((await store.load('ada')).user.data, 3);
  await Promise.all([store.save('ada', { user: { data: 0 } }), store.delete('ada')]);
  assert.equal(await store.load('ada'), null);
});

test('a hook may use the store itself', async () => {
  const inner = storeWith({ keyPrefix: 'log' });
  const inside = [];
  const store = storeWith({
    onEncodeValue: (entryId, part) => {
      inside.push(inner.save('ada', { user: { data: entryId } }));
      return new Uint8Array(Buffer.from(JSON.stringify(part)));
    },
  });
  await beside([() => store.save('ada', { user: { data: 'outer' } })]);
  await Promise.all(inside);
  assert.equal((await store.load('ada')).user.data, 'outer');
  assert.equal((await inner.load('ada')).user.data, 'data');
});

test('what is changed after a call has begun is no part of it', async () => {
  const entries = [{ id: 'a', user: true }, { id: 'b', session: true }];
  const bytes = Buffer.from('{"user":{"data":"then"}}');
  const mutated = storeWith({ entries, onEncodeValue: (entryId, part) => (entryId === 'a' ? bytes : later(JSON.stringify(part))) });
  const record = { user: { data: 1 }, session: { data: { list: [{ n: 'then' }] } } };
  const saved = mutated.save('ada', record);
  bytes.fill(0x20);
  record.session.data.list[0].n = 'now';
  record.session.data.list.push('more');
  await saved;
  assert.deepEqual(await storeWith({ entries }).load('ada'), { user: { data: 'then' }, session: { data: { list: [{ n: 'then' }] } } });

  const plain = { user: { data: { n: 'then' } } };
  const store = storeWith();
  const second = store.save('bob', plain);
  plain.user.data.n = 'now';
  await second;
  assert.equal((await store.load('bob')).user.data.n, 'then');
});
