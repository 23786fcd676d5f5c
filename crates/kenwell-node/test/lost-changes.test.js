// What was sent on a connection that broke, and not answered, never undoes what was confirmed after it: not when it is
// repeated, and not when Redis cannot be made to forget it.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { until } = require('./support/redis');
const { sharedNetwork } = require('./support/servers');

const { redis, proxy } = sharedNetwork();

const data = async (user) => JSON.parse(await redis.ask('GET', `data:${user}`))?.user.data;

/** How many comparisons Redis has executed. */
async function comparisons() {
  const counts = (await redis.ask('INFO', 'commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g);
  return [...counts].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

test('what an older call may still undo is not confirmed', async () => {
  await redis.ask('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '+@all', '-client|kill');
  const store = new StateStore({ connectionString: proxy.url.replace('redis://', 'redis://app:pw@'), connectTimeoutMs: 3000, commandTimeoutMs: 3000 });
  await store.save('ada', { user: { data: 'before' } });
  proxy.set('hold', 'up');
  await assert.rejects(store.save('ada', { user: { data: 'late' } }), { code: 'KENWELL_TIMEOUT' });
  await assert.rejects(store.save('ada', { user: { data: 'newer' } }), { code: 'KENWELL_UNCERTAIN', message: /\+client\|kill/ });
  assert.equal(await data('ada'), 'newer');
  await store.save('grace', { user: { data: 'newer' } });
  await assert.rejects(store.delete('ada'), { code: 'KENWELL_UNCERTAIN' });
  // It does come late.
  proxy.release();
  await until(async () => (await data('ada')) === 'late');
});

test('a save that was lost is not repeated over a newer one that is not repeated', async () => {
  const store = new StateStore({ connectionString: `${proxy.url}/1`, commandTimeoutMs: 60_000 });
  const record = { user: { data: 'before' } };
  await store.save('ada', record);
  // Both are executed, and the answers do not come.
  const executed = await comparisons();
  proxy.set('hold', 'down');
  const older = store.save('ada', { user: { data: 'older' } });
  const newer = store.saveIfUnchanged('ada', record);
  const [one, other] = [assert.rejects(older, { code: 'KENWELL_UNCERTAIN', message: /overtaken/ }), assert.rejects(newer, { code: 'KENWELL_UNCERTAIN' })];
  await until(async () => (await comparisons()) > executed);
  proxy.cut();
  proxy.treats = 'pass';
  await Promise.all([one, other]);
  await store.save('ada', record);
});
