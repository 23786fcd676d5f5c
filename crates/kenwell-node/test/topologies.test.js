// TLS, a Unix socket, a cluster and Sentinels: what a connection string alone cannot say.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { StateStore, transport } = require('../state');
const { Redis, freePort, until } = require('./support/redis');

/** The two kinds of connection differ here; the suite runs once with each. */
const onlyNative = transport.native ? test : () => {};
const onlyJavaScript = transport.native ? () => {} : test;

const record = { user: { data: { name: 'Ada' } } };

async function comesBack(store) {
  await store.save('ada', record);
  assert.deepEqual((await store.load('ada')).user, record.user);
}

/** A private authority and what it signed for this name. */
function certificates(directory, name) {
  const file = (base) => path.join(directory, base);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=authority');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key.pem'), '-out', file('request.pem'), '-subj', `/CN=${name}`);
  fs.writeFileSync(file('names'), `subjectAltName=DNS:${name}`);
  openssl('x509', '-req', '-in', file('request.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('cert.pem'), '-days', '2', '-extfile', file('names'));
  return { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') };
}

test('TLS: a private authority, a client certificate, and another name than the host\'s', async () => {
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'kenwell-tls-'));
  const { ca, cert, key } = certificates(directory, 'redis.internal');
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
    fs.rmSync(directory, { recursive: true, force: true });
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

onlyNative('a cluster: entries of several slots, and saveIfUnchanged with a hash tag', async () => {
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
    const tagged = new StateStore({ connectionString: 'redis://unused', cluster: { nodes: [`127.0.0.1:${port}`] }, entries, onCreateKey: (userId, entry) => `${entry.id}:{${userId}}` });
    await tagged.saveIfUnchanged('bob', both);
    assert.deepEqual(await tagged.load('bob'), both);
    // Without `cluster` the error says what to set.
    await assert.rejects(new StateStore({ connectionString: redis.url }).load('ada'), { code: 'KENWELL_SETTINGS' });
  } finally {
    await redis.stop();
  }
});

onlyNative('Sentinels lead to the master', async () => {
  const redis = await Redis.start();
  const port = await freePort();
  const file = path.join(redis.directory, 'sentinel.conf');
  fs.writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${redis.directory}\nsentinel monitor mymaster 127.0.0.1 ${redis.port} 1\n`);
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  try {
    const store = new StateStore({ connectionString: `redis://127.0.0.1:${port}`, sentinel: { master: 'mymaster' } });
    await until(() => store.save('ada', record).then(() => true));
    assert.match(await redis.ask('GET', 'data:ada'), /Ada/);
    const other = new StateStore({ connectionString: 'redis://unused', sentinel: { master: 'other', nodes: [`127.0.0.1:${port}`] } });
    await assert.rejects(other.load('ada'), { code: 'KENWELL_SETTINGS', message: /other/ });
  } finally {
    sentinel.kill('SIGKILL');
    await redis.stop();
  }
});

test('a standalone server is spoken to in JavaScript, a cluster and Sentinels by the native part', () => {
  const program = `const { connection } = require('./lib/connections');
    for (const more of [{}, { cluster: true }, { sentinel: { master: 'm' } }]) console.log(connection({ connectionString: 'redis://127.0.0.1:1', ...more }).constructor.name);
    process.exit(0);`;
  const { KENWELL_NATIVE: _, ...env } = process.env;
  const told = execFileSync(process.execPath, ['-e', program], { cwd: path.join(__dirname, '..'), env, encoding: 'utf8' });
  assert.deepEqual(told.trim().split('\n'), ['JavaScriptConnection', 'NativeConnection', 'NativeConnection']);
});

onlyJavaScript('without the native part cluster and Sentinels are refused, and why', () => {
  assert.throws(() => new StateStore({ connectionString: 'redis://h', cluster: true }), { code: 'KENWELL_NATIVE' });
  assert.throws(() => new StateStore({ connectionString: 'redis://h', sentinel: { master: 'm' } }), { code: 'KENWELL_NATIVE' });
});
