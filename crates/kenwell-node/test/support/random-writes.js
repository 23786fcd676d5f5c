// Saves and deletes at random, over a network at random: what is stored, and what is seen, is never older than what was confirmed.
'use strict';

const assert = require('node:assert/strict');

const { random, seed } = require('./random');

const soon = () => new Promise((resolve) => setImmediate(resolve));
const numberOf = (record) => record?.user.data ?? null;

/** Few keys, so that calls meet. */
const USERS = ['ada', 'bob', 'eve'];
/** The limits of the store. */
const LIMIT_MS = 400;

/** So many calls of a store that reaches `redis` through `proxy`, and has the limits `LIMIT_MS`. */
async function randomWrites(store, { redis, proxy, calls }) {
  const began = seed();
  const next = random(began);
  const place = `KENWELL_SEED=${began}`;
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

  const under = [];
  for (let step = 0; step < calls; step++) {
    const user = USERS[next(USERS.length)];
    under.push(next(5) === 0 ? look(user) : write(user));
    if (next(25) === 0) faults[next(faults.length)]();
    if (next(4) === 0) await soon();
    if (next(60) === 0) {
      // Some begin when all others have ended, so that much is confirmed.
      proxy.treats = 'pass';
      await Promise.all(under);
    }
  }
  proxy.treats = 'pass';
  proxy.set('pass', 'down');
  await Promise.all(under);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS)); // until nothing is held back any more
  proxy.release();
  await redis.ask('PING');
  for (const user of USERS) {
    const text = await redis.ask('GET', `data:${user}`);
    check(user, text === null ? null : numberOf(JSON.parse(text)), confirmed.get(user), begun.get(user));
  }
  assert.ok(failed > 0 && confirmed.size > 0, 'the network was too good to prove anything');
}

module.exports = { LIMIT_MS, randomWrites };
