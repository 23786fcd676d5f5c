// Calls on one key take effect in the order in which they were begun, whatever the network does: what was confirmed is
// never undone by an older call that is repeated, or that arrives late.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, test } = require('node:test');

const { StateStore } = require('../state');
const { Proxy } = require('./support/proxy');
const { random, seed } = require('./support/random');
const { Redis } = require('./support/redis');

let redis;
let proxy;
before(async () => {
  redis = await Redis.start();
  proxy = await Proxy.start(redis.port);
});
after(async () => {
  proxy.close();
  await redis.stop();
});
afterEach(async () => {
  proxy.treats = 'pass';
  proxy.cut();
  await redis.ask('FLUSHALL');
});

const soon = () => new Promise((resolve) => setImmediate(resolve));
const numberOf = (record) => record?.user.data ?? null;

for (const [name, undo] of [
  ['save', (store) => store.save('ada', { user: { data: 'old' } })],
  ['delete', (store) => store.delete('ada')],
]) {
  test(`a confirmed save is not undone by an older ${name} that is repeated, 40 rounds`, async () => {
    const store = new StateStore({ connectionString: proxy.url });
    for (let round = 0; round < 40; round++) {
      await store.save('ada', { user: { data: 'before' } });
      proxy.set('swallow', 'up');
      // The one that was overtaken may end with an error.
      const older = Promise.allSettled(Array.from({ length: 60 }, (_, index) => (index === 30 ? undo(store) : store.save(`user-${index}`, {}))));
      for (let turn = 0; turn < round % 4; turn++) await soon();
      proxy.cut();
      for (let turn = 0; turn < round % 3; turn++) await soon();
      await store.save('ada', { user: { data: round } });
      await older;
      assert.equal(numberOf(await store.load('ada')), round, `round ${round}`);
    }
  });
}

test('a confirmed save is not undone by an older one whose bytes arrive late', async () => {
  const store = new StateStore({ connectionString: proxy.url, commandTimeoutMs: 1000 });
  for (let round = 0; round < 3; round++) {
    await store.save('ada', { user: { data: 'before' } });
    proxy.set('hold', 'up');
    await assert.rejects(store.save('ada', { user: { data: 'old' } }), { code: 'KENWELL_TIMEOUT' });
    // Another connection, unless the first one is still used: then nothing can be confirmed before the old bytes.
    const newer = store.save('ada', { user: { data: round } });
    await Promise.race([newer.catch(() => {}), soon()]);
    await newer.catch(() => {});
    proxy.release();
    await newer;
    await redis.ask('PING');
    assert.equal(numberOf(await store.load('ada')), round, `round ${round}`);
  }
});

/** Few keys, so that calls meet. */
const USERS = ['ada', 'bob', 'eve'];
const CALLS = 1500;
const LIMIT_MS = 400;

test('random saves and deletes over a random network: the last that was confirmed, or a newer one, is what is stored', async () => {
  const began = seed();
  const next = random(began);
  const place = `KENWELL_SEED=${began}`;
  const store = new StateStore({ connectionString: proxy.url, connectTimeoutMs: LIMIT_MS, commandTimeoutMs: LIMIT_MS });
  /** Of each user the number of the newest write that was begun, and of the newest that was confirmed. */
  const begun = new Map(USERS.map((user) => [user, 0]));
  const confirmed = new Map(USERS.map((user) => [user, 0]));
  const deletes = new Set();
  let number = 0;
  let failed = 0;

  /** What may be seen now by somebody who began to look when `oldest` was the newest confirmed write. */
  function check(user, seen, oldest, newest) {
    if (seen !== null) assert.ok(seen >= oldest && seen <= newest, `${place}: ${user} is ${seen}, but ${oldest} was confirmed, and ${newest} is the newest`);
    else assert.ok(oldest === 0 || [...deletes].some((one) => one >= oldest && one <= newest), `${place}: ${user} is gone, but ${oldest} was confirmed, and no newer delete was begun`);
  }

  async function write(user) {
    const mine = ++number;
    begun.set(user, mine);
    const isDelete = next(4) === 0;
    if (isDelete) deletes.add(mine);
    try {
      if (isDelete) await store.delete(user);
      else await store.save(user, { user: { data: mine } });
      confirmed.set(user, Math.max(confirmed.get(user), mine));
    } catch (error) {
      failed += 1;
      assert.match(error.code, /^KENWELL_(CONNECTION|TIMEOUT|UNCERTAIN)$/, `${place}: ${error.stack}`);
    }
  }

  async function look(user) {
    const oldest = confirmed.get(user);
    const record = await store.load(user).catch((error) => error);
    if (!(record instanceof Error)) check(user, numberOf(record), oldest, begun.get(user));
  }

  const faults = [
    () => proxy.cut(),
    () => proxy.set('swallow', ['up', 'down', undefined][next(3)]),
    () => proxy.set('hold', ['up', 'down', undefined][next(3)]),
    () => proxy.release(),
    () => proxy.set('pass'),
    () => {
      proxy.treats = ['pass', 'pass', 'pass', 'hold', 'swallow'][next(5)];
    },
    // Held back for longer than any call waits.
    () => {
      proxy.set('hold', 'up');
      const pairs = [...proxy.pairs];
      setTimeout(() => {
        for (const pair of pairs) for (const arrive of pair.held.splice(0)) arrive();
        for (const pair of pairs) pair.up = 'pass';
      }, 2 * LIMIT_MS);
    },
  ];

  const calls = [];
  for (let step = 0; step < CALLS; step++) {
    const user = USERS[next(USERS.length)];
    calls.push(next(5) === 0 ? look(user) : write(user));
    if (next(25) === 0) faults[next(faults.length)]();
    if (next(4) === 0) await soon();
    if (next(60) === 0) {
      // Some begin when all others have ended, so that much is confirmed.
      proxy.treats = 'pass';
      await Promise.all(calls);
    }
  }
  proxy.treats = 'pass';
  proxy.set('pass', 'down');
  await Promise.all(calls);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS)); // until nothing is held back any more
  proxy.release();
  await redis.ask('PING');
  for (const user of USERS) {
    const text = await redis.ask('GET', `data:${user}`);
    check(user, text === null ? null : numberOf(JSON.parse(text)), confirmed.get(user), begun.get(user));
  }
  assert.ok(failed > 0 && confirmed.size > 0, 'the network was too good to prove anything');
});
