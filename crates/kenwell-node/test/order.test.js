// Calls on one key take effect in the order in which they were begun, whatever the network does: what was confirmed is
// never undone by an older call that is repeated, or that arrives late.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { LIMIT_MS, randomWrites } = require('./support/random-writes');
const { sharedNetwork } = require('./support/servers');

const { redis, proxy } = sharedNetwork();

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
  const store = new StateStore({ connectionString: proxy.url, commandTimeoutMs: 3000 });
  for (let round = 0; round < 2; round++) {
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

test('random saves and deletes over a random network: the last that was confirmed, or a newer one, is what is stored', () =>
  randomWrites(new StateStore({ connectionString: proxy.url, connectTimeoutMs: LIMIT_MS, commandTimeoutMs: LIMIT_MS }), { redis, proxy, calls: 1500 }));
