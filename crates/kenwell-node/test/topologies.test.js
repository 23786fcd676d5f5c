// TLS, a Unix socket, a cluster and Sentinels: what a connection string alone cannot say.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { certificates } = require('./support/certificates');
const { Redis, freePort, until } = require('./support/redis');

const record = { user: { data: { name: 'Ada' } } };

async function comesBack(store) {
  await store.save('ada', record);
  assert.deepEqual((await store.load('ada')).user, record.user);
}

/** Of a user whose record is stored, all that a store can be asked about. */
async function everyCall(store, userId) {
  const visits = async ({ user }) => ({ user: { data: { visits: (user.data.visits ?? 0) + 1 } } });
  await Promise.all(Array.from({ length: 20 }, () => store.update(userId, visits)));
  assert.equal((await store.load(userId)).user.data.visits, 20);
  await store.appendHistory(userId, [1, 'two', { three: 3 }]);
  assert.deepEqual(await store.history(userId), [{ three: 3 }, 'two']);
  assert.deepEqual([await store.has(userId), await store.touch(userId, { ttlSeconds: 100 })], [true, true]);
  const listed = await store.list(userId);
  assert.ok(listed.length >= 2 && listed.every(({ expiresInMs }) => expiresInMs > 50_000));
  assert.deepEqual([listed.at(-1).entry, listed.at(-1).value], ['turns', null]);
  assert.equal(await store.delete(userId), true);
  assert.deepEqual([await store.has(userId), await store.touch(userId), await store.list(userId), await store.history(userId)], [false, false, [], []]);
}

test('TLS: a private authority, a client certificate, and another name than the host\'s', async () => {
  const { ca, cert, key, remove } = certificates('redis.internal');
  const port = await freePort();
  const redis = await Redis.start(['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca]);
  try {
    const connectionString = `rediss://127.0.0.1:${port}`;
    const open = (tls) => new StateStore({ connectionString, tls });
    await comesBack(open({ ca, cert, key, serverName: 'redis.internal' }));
    // PEM text instead of paths, and TLS without rediss:.
    const text = (file) => fs.readFileSync(file, 'utf8');
    await comesBack(new StateStore({ connectionString: `redis://127.0.0.1:${port}`, tls: { ca: text(ca), cert: text(cert), key: text(key), serverName: 'redis.internal' } }));
    await comesBack(open({ skipVerify: true, cert, key }));
    await assert.rejects(open({ cert, key, serverName: 'redis.internal' }).load('ada'), { code: 'KENWELL_TLS' }, 'an authority that the system does not know');
    await assert.rejects(open({ ca, cert, key }).load('ada'), { code: 'KENWELL_TLS' }, 'another name');
    await assert.rejects(open({ ca, serverName: 'redis.internal' }).load('ada'), { code: /^KENWELL_(TLS|CONNECTION)$/ }, 'no client certificate');
  } finally {
    await redis.stop();
    remove();
  }
});

test('a Unix socket', async () => {
  const socket = path.join(require('node:os').tmpdir(), `kenwell-${process.pid}.sock`);
  const redis = await Redis.start(['--unixsocket', socket]);
  try {
    await comesBack(new StateStore({ connectionString: `unix://${socket}?db=2` }));
    assert.match(await redis.ask('INFO', 'keyspace'), /db2:keys=1/);
  } finally {
    await redis.stop();
  }
});

test('a cluster: entries of several slots, and saveIfUnchanged with a hash tag', async () => {
  const port = await freePort();
  const redis = await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())], { port });
  try {
    await redis.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
    await until(async () => (await redis.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const entries = [{ id: 'user', user: true }, { id: 'session', session: true }];
    const both = { ...record, session: { id: 's' } };
    const store = new StateStore({ connectionString: redis.url, cluster: true, entries });
    await store.save('ada', both);
    assert.deepEqual(await store.load('ada'), both);
    await assert.rejects(store.saveIfUnchanged('bob', both), { code: 'KENWELL_SETTINGS', message: /hash tag/ });
    const tagged = new StateStore({ connectionString: 'redis://unused', cluster: { nodes: [`127.0.0.1:${port}`] }, entries, historyList: { id: 'turns', size: 2 }, onCreateKey: (userId, entry) => `${entry.id}:{${userId}}` });
    await tagged.saveIfUnchanged('bob', both);
    assert.deepEqual(await tagged.load('bob'), both);
    await everyCall(tagged, 'bob');
    // Entries of several slots have all but comparisons.
    assert.deepEqual([await store.has('ada'), await store.touch('ada', { ttlSeconds: 100 })], [true, true]);
    const lists = new StateStore({ connectionString: redis.url, cluster: true, entries, historyList: { id: 'turns', size: 2 } });
    await lists.appendHistory('ada', [1, 2, 3]);
    assert.deepEqual(await lists.history('ada'), [3, 2]);
    const listed = await lists.list('ada');
    assert.deepEqual(listed.map(({ entry }) => entry), ['user', 'session', 'turns']);
    assert.ok(listed[0].expiresInMs > 50_000);
    assert.equal(await lists.delete('ada'), true);
    assert.deepEqual(await lists.list('ada'), []);
    await Promise.all([store, tagged, lists].map((each) => each.close()));
    await assert.rejects(store.load('ada'), { code: 'KENWELL_CLOSED' });
    // Without `cluster` the error says what to set; the JavaScript connection finds out when it is redirected, which one node does not do.
    if (process.env.KENWELL_NATIVE === 'on') await assert.rejects(new StateStore({ connectionString: redis.url }).load('ada'), { code: 'KENWELL_SETTINGS' });
  } finally {
    await redis.stop();
  }
});

test('Sentinels lead to the master', async () => {
  const redis = await Redis.start();
  const port = await freePort();
  const file = path.join(redis.directory, 'sentinel.conf');
  fs.writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${redis.directory}\nsentinel monitor mymaster 127.0.0.1 ${redis.port} 1\n`);
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  try {
    const store = new StateStore({ connectionString: `redis://127.0.0.1:${port}`, sentinel: { master: 'mymaster' } });
    await until(() => store.save('ada', record).then(() => true));
    assert.match(await redis.ask('GET', 'data:ada'), /Ada/);
    await everyCall(new StateStore({ connectionString: `redis://127.0.0.1:${port}`, sentinel: { master: 'mymaster' }, historyList: { id: 'turns', size: 2 } }), 'ada');
    const other = new StateStore({ connectionString: 'redis://unused', sentinel: { master: 'other', nodes: [`127.0.0.1:${port}`] } });
    await assert.rejects(other.load('ada'), { code: 'KENWELL_SETTINGS', message: /other/ });
  } finally {
    sentinel.kill('SIGKILL');
    await redis.stop();
  }
});

test('who speaks to which server', () => {
  const program = `const { connection } = require('./lib/connections');
    for (const more of [{}, { cluster: true }, { sentinel: { master: 'm' } }]) console.log(connection({ connectionString: 'redis://127.0.0.1:1', ...more }).constructor.name);
    process.exit(0);`;
  const { KENWELL_NATIVE: _, ...env } = process.env;
  const told = (choice) => execFileSync(process.execPath, ['-e', program], { cwd: path.join(__dirname, '..'), env: { ...env, ...choice }, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(told({}), ['JavaScriptConnection', 'NativeConnection', 'NativeConnection']);
  assert.deepEqual(told({ KENWELL_NATIVE: 'on' }), ['NativeConnection', 'NativeConnection', 'NativeConnection']);
  assert.deepEqual(told({ KENWELL_NATIVE: 'off' }), ['JavaScriptConnection', 'ClusterConnection', 'SentinelConnection']);
});
