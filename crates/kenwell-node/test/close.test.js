// The end of a store: what has begun is waited for, nothing begins any more, and other stores are not cut off.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { StateStore } = require('../state');
const { PATIENCE_MS, until } = require('./support/redis');
const { sharedNetwork } = require('./support/servers');

const { redis, proxy } = sharedNetwork();

const storeAt = (connectionString, options) => new StateStore({ connectionString, historyList: { id: 'turns', size: 3 }, ...options });
/** The number of the connection that has been open for longest: the one that asks is the newest. */
const oldest = async () => /id=(\d+) /.exec(await redis.ask('CLIENT', 'LIST', 'TYPE', 'normal'))[1];
const isClosed = { code: 'KENWELL_CLOSED', retryable: false, message: /closed the store/ };

test('a close waits for what has begun, and then calls are an error in words', async () => {
  const store = storeAt(proxy.url);
  await store.save('bob', {});
  proxy.set('hold', 'up');
  const saving = store.save('ada', { user: { data: 1 } });
  const closing = store.close();
  let isOver = false;
  closing.then(() => (isOver = true));
  await assert.rejects(store.save('ada', {}), isClosed);
  assert.equal(isOver, false);
  proxy.set('pass');
  await saving;
  await closing;
  assert.match(await redis.ask('GET', 'data:ada'), /"data":1/);
  const calls = [
    () => store.load('ada'),
    () => store.loadMany(['ada']),
    () => store.save('ada', {}),
    () => store.saveIfUnchanged('ada', {}),
    () => store.update('ada', () => {}),
    () => store.delete('ada'),
    () => store.has('ada'),
    () => store.touch('ada'),
    () => store.list('ada'),
    () => store.appendHistory('ada', 1),
    () => store.history('ada'),
  ];
  for (const call of calls) await assert.rejects(call(), isClosed);
  await store.close();
  await until(async () => (await redis.clients()) === 0);
});

test('a close waits for an update as a whole', async () => {
  const store = storeAt(redis.url);
  let goOn;
  const waiting = new Promise((resolve) => (goOn = resolve));
  const updating = store.update('ada', async (record) => {
    await waiting;
    record.user.data.n = 1;
  });
  const closing = store.close();
  goOn();
  await Promise.all([updating, closing]);
  assert.match(await redis.ask('GET', 'data:ada'), /"n":1/);
});

test('a close does not wait for ever, and then nothing more is sent', async () => {
  const store = storeAt(redis.url);
  let goOn;
  let updating;
  await new Promise((begun) => {
    const change = () => new Promise((resolve) => {
      goOn = resolve;
      begun();
    });
    updating = store.update('ada', change);
  });
  const refused = assert.rejects(updating, isClosed);
  await assert.rejects(store.close({ timeoutMs: 20 }), { code: 'KENWELL_TIMEOUT', message: /1 calls? .*20 ms/ });
  goOn();
  await refused;
  assert.equal(await redis.ask('EXISTS', 'data:ada'), 0);
  const other = storeAt(redis.url);
  await assert.rejects(other.close({ timeout: 5 }), { code: 'KENWELL_SETTINGS', message: /did you mean timeoutMs\?/ });
  await other.close();
});

test('stores that share a connection do not cut each other off', async () => {
  const [one, other] = [storeAt(redis.url), storeAt(redis.url)];
  await Promise.all([one.save('ada', {}), other.save('bob', {})]);
  await until(async () => (await redis.clients()) === 1);
  const connection = await oldest();
  const calls = Array.from({ length: 50 }, (_, index) => other.save(`user-${index}`, {}));
  await one.close();
  await Promise.all(calls);
  await other.load('ada');
  // Not even a new connection was needed.
  assert.equal(await oldest(), connection);
  await other.close();
  await until(async () => (await redis.clients()) === 0);
  const again = storeAt(redis.url);
  assert.notEqual(await again.load('ada'), null);
  await again.close();
});

test('nor do they cut off a Jovo plugin', async () => {
  const plugin = new RedisDb({ connectionString: redis.url });
  const store = storeAt(redis.url);
  await plugin.getDbItem('ada', {});
  const connection = await oldest();
  await store.close();
  await plugin.getDbItem('ada', {});
  assert.equal(await oldest(), connection);
});

test('await using closes a store, where Node has it', { skip: Symbol.asyncDispose === undefined && 'this Node has no Symbol.asyncDispose' }, async () => {
  const store = storeAt(redis.url);
  await store[Symbol.asyncDispose]();
  await assert.rejects(store.load('ada'), isClosed);
});

test('a program whose store is closed ends by itself', () => {
  const program = `const { StateStore } = require(${JSON.stringify(require.resolve('../state'))});
    const store = new StateStore({ connectionString: ${JSON.stringify(redis.url)}, commandTimeoutMs: 60_000 });
    Promise.all([store.save('ada', {}), store.close()]).then(() => console.log('closed'));`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', timeout: PATIENCE_MS });
  assert.deepEqual([status, stdout], [0, 'closed\n']);
});
