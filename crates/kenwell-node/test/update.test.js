// update: load, change, save if unchanged, begin again. Nothing is lost, and nothing is changed twice.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const storeWith = (options) => new StateStore({ connectionString: redis.url, ...options });
const later = () => new Promise((resolve) => setImmediate(resolve));
const addOne = (record) => {
  record.user.data.visits = (record.user.data.visits ?? 0) + 1;
};

test('of updates that overlap none is lost, whatever they return', async () => {
  const stores = [storeWith(), storeWith({ commandTimeoutMs: 5001 })];
  const changes = [
    addOne,
    async (record) => {
      await later();
      addOne(record);
      return record;
    },
    ({ user }) => ({ user: { data: { visits: (user.data.visits ?? 0) + 1 } } }),
    (record) => {
      const copy = structuredClone(record);
      addOne(copy);
      return copy;
    },
  ];
  const saved = await Promise.all(Array.from({ length: 60 }, (_, index) => stores[index % 2].update('ada', changes[index % 4])));
  const visits = (record) => record.user.data.visits;
  assert.deepEqual(saved.map(visits).sort((one, other) => one - other), Array.from({ length: 60 }, (_, index) => index + 1));
  const stored = await stores[0].load('ada');
  assert.equal(visits(stored), 60);
  // A record is created once, also when a function makes a record of its own.
  assert.equal(new Set(saved.map(({ createdAt }) => createdAt)).size, 1);
  // And what an update gives can be saved on.
  const last = saved.findIndex((record) => visits(record) === 60);
  await stores[last % 2].saveIfUnchanged('ada', saved[last]);
});

test('a function that fails, or returns no record, saves nothing', async () => {
  const store = storeWith();
  const mine = new Error('no more room');
  const failing = [
    [() => { throw mine; }, (error) => error === mine],
    [async () => { throw mine; }, (error) => error === mine],
    [(record) => (record.user.data.visits = 1), { code: 'KENWELL_SETTINGS', message: /a number/ }],
    [() => [], { code: 'KENWELL_SETTINGS', message: /a list/ }],
    [() => false, { code: 'KENWELL_SETTINGS', message: /a boolean/ }],
    [(record) => Object.assign(record.user.data, { visits: 1 }), { code: 'KENWELL_SETTINGS', message: /record\.visits/ }],
    ['visits', { code: 'KENWELL_SETTINGS', message: /function/ }],
  ];
  for (const [change, expected] of failing) await assert.rejects(store.update('ada', change), expected);
  for (const attempts of [0, 1.5, '3', 10_001]) await assert.rejects(store.update('ada', addOne, { attempts }), { code: 'KENWELL_SETTINGS', message: /attempts/ });
  await assert.rejects(store.update('ada', addOne, { atempts: 3 }), { code: 'KENWELL_SETTINGS', message: /did you mean attempts\?/ });
  assert.equal(await store.has('ada'), false);
});

test('an update ends with a conflict when somebody else was faster each time', async () => {
  const store = storeWith();
  let rounds = 0;
  const change = async (record) => {
    rounds += 1;
    await store.save('ada', { user: { data: { rounds } } });
    addOne(record);
  };
  await assert.rejects(store.update('ada', change, { attempts: 3 }), { code: 'KENWELL_CONFLICT', message: /3 times/ });
  assert.equal(rounds, 3);
  assert.deepEqual((await store.load('ada')).user.data, { rounds: 3 });
});

test('a change without an answer is not made again', async () => {
  const sockets = [];
  // Passes everything on, but hangs up when the answer to a script comes: it was executed.
  const proxy = net.createServer((socket) => {
    const upstream = net.connect({ port: redis.port, host: '127.0.0.1' });
    let isScript = false;
    sockets.push(socket, upstream);
    for (const end of [socket, upstream]) end.on('error', () => {});
    socket.on('data', (chunk) => {
      isScript ||= chunk.includes('EVAL');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (isScript ? socket.destroy() : socket.write(chunk)));
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  try {
    const store = storeWith({ connectionString: `redis://127.0.0.1:${proxy.address().port}` });
    let calls = 0;
    const change = (record) => {
      calls += 1;
      addOne(record);
    };
    await assert.rejects(store.update('ada', change), { code: 'KENWELL_UNCERTAIN', retryable: false });
    assert.equal(calls, 1);
    assert.equal(JSON.parse(await redis.ask('GET', 'data:ada')).user.data.visits, 1);
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
});

test('an update may have a time to live of its own, and works on entries that are stored apart', async () => {
  const store = storeWith({ entries: [{ id: 'user', user: true }, { id: 'times', createdAt: true, updatedAt: true }] });
  const first = await store.update('ada', addOne, { ttlSeconds: 500 });
  const second = await store.update('ada', addOne, { ttlSeconds: 500 });
  assert.equal(first.createdAt, second.createdAt);
  assert.notEqual(first.updatedAt, second.updatedAt);
  for (const key of ['user:ada', 'times:ada']) assert.ok((await redis.ask('TTL', key)) > 400);
});
