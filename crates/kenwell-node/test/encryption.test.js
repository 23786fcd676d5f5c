// Encrypted values: what is swapped, cut, downgraded or sealed with another secret is refused.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const key = (id, byte = 'ab') => ({ id, secret: byte.repeat(32) });
const storeWith = (keys, more) => new StateStore({ connectionString: redis.url, encryption: { keys, ...more } });
const refused = (why) => ({ code: 'KENWELL_CORRUPT_VALUE', entry: 'data', message: why });
const record = { user: { data: { name: 'Ada' } } };

test('what is stored shows nothing and never looks the same', async () => {
  const store = storeWith([key('a')]);
  await store.save('ada', record);
  const one = await redis.ask('GET', 'data:ada');
  await store.save('ada', record);
  const two = await redis.ask('GET', 'data:ada');
  assert.match(one, /^kw1\.a\.[A-Za-z0-9_-]+$/);
  assert.notEqual(one, two);
  assert.deepEqual((await store.load('ada')).user, record.user);
});

test('a value of another user is refused', async () => {
  const store = storeWith([key('a')]);
  await store.save('ada', record);
  await redis.ask('COPY', 'data:ada', 'data:bob');
  await assert.rejects(store.load('bob'), refused(/copied from another key/));
});

test('a value that was cut or changed anywhere is refused', async () => {
  const store = storeWith([key('a'), key('b')]);
  await store.save('ada', record);
  const sealed = await redis.ask('GET', 'data:ada');
  const others = [`${sealed}A`, `${sealed}=`, `${sealed}.x`, sealed.replace('kw1.a', 'kw1.b')];
  for (let at = 4; at < sealed.length; at += 7) others.push(sealed.slice(0, at), `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`);
  for (const other of others) {
    await redis.ask('SET', 'data:ada', other);
    await assert.rejects(store.load('ada'), refused(/cannot be decrypted/), other);
  }
});

test('plaintext is refused, unless the program is migrating', async () => {
  await redis.ask('SET', 'data:ada', JSON.stringify(record));
  await assert.rejects(storeWith([key('a')]).load('ada'), refused(/not encrypted/));
  const migrating = storeWith([key('a')], { acceptPlaintext: true });
  const loaded = await migrating.load('ada');
  assert.deepEqual(loaded.user, record.user);
  await migrating.save('ada', loaded);
  assert.match(await redis.ask('GET', 'data:ada'), /^kw1\.a\./);
});

test('another secret and an unknown key are refused', async () => {
  await storeWith([key('a')]).save('ada', record);
  await assert.rejects(storeWith([key('a', 'cd')]).load('ada'), refused(/another secret/));
  await assert.rejects(storeWith([key('b')]).load('ada'), refused(/not in encryption.keys/));
});

test('a secret is changed by putting a new one in front', async () => {
  await storeWith([key('old')]).save('ada', record);
  const store = storeWith([key('new', 'cd'), key('old')]);
  const loaded = await store.load('ada');
  await store.save('ada', loaded);
  assert.match(await redis.ask('GET', 'data:ada'), /^kw1\.new\./);
  assert.deepEqual((await storeWith([key('new', 'cd')]).load('ada')).user, record.user);
});

test('only the entries that are named are encrypted', async () => {
  const store = new StateStore({
    connectionString: redis.url,
    entries: [{ id: 'user', user: true }, { id: 'session', session: true }],
    encryption: { keys: [key('a')], entries: ['user'] },
  });
  await store.save('ada', { ...record, session: { id: 's' } });
  assert.match(await redis.ask('GET', 'user:ada'), /^kw1/);
  assert.equal(await redis.ask('GET', 'session:ada'), '{"session":{"id":"s"}}');
  assert.deepEqual(await store.load('ada'), { ...record, session: { id: 's' } });
});

test('what the Rust state store has sealed is opened', async () => {
  // kenwell::state::encryption::KeyRing::seal(b"data:ada", …) with the key `2026`, 32 bytes 0xab.
  const sealed = 'kw1.2026.S25G7w0FdiBuH5zkYJA0I-HNchmel6jLmX6o9BSjh6b3u1CpPCMsagcGt_R1iuQyct6DqbtcLv3pfCcKSCIHlf4jWTHjJ9tLpKlPVg';
  await redis.ask('SET', 'data:ada', sealed);
  assert.deepEqual((await storeWith([key('2026')]).load('ada')).user, { data: { name: 'Ada €' } });
});

test('wrong keys are refused without being shown', () => {
  for (const keys of [[], [{ id: 'a', secret: 'hunter2' }], [{ id: 'a b', secret: 'ab'.repeat(32) }], [key('a'), key('a')], 'key']) {
    assert.throws(() => storeWith(keys), (error) => error.code === 'KENWELL_SETTINGS' && !error.message.includes('hunter2'));
  }
});
