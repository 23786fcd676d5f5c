// Options and parts of records that do not exist are errors with a suggestion, at every level.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { StateStore } = require('../state');
const { appWith, say } = require('./support/jovo');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const KEYS = [{ id: 'a', secret: 'ab'.repeat(32) }];
const refused = (message) => ({ code: 'KENWELL_SETTINGS', message });

/** Options that no store has, and the words of the error. */
const MISSPELT = [
  [{ encrypton: { keys: KEYS } }, /setting encrypton: .*did you mean encryption\?/],
  [{ Encryption: { keys: KEYS } }, /did you mean encryption\?/],
  [{ encrypt: { keys: KEYS } }, /did you mean encryption\?/],
  [{ encyrption: { keys: KEYS } }, /did you mean encryption\?/],
  [{ encryption: { key: KEYS } }, /encryption\.key: .*did you mean keys\?/],
  [{ encryption: { keys: [{ id: 'a', secert: 'x' }] } }, /encryption\.keys\[0\]\.secert: .*did you mean secret\?/],
  [{ encryption: { keys: KEYS, entries: ['dta'] } }, /there is no entry "dta"; there are data/],
  [{ encryption: { keys: KEYS, entries: [] } }, /encryption\.entries/],
  [{ encryption: { keys: KEYS, entries: 'data' } }, /encryption\.entries/],
  [{ encryption: { keys: KEYS, acceptPlain: true } }, /did you mean acceptPlaintext\?/],
  [{ encryption: true }, /setting encryption:/],
  [{ encryption: '' }, /setting encryption:/],
  [{ encryption: KEYS }, /setting encryption:/],
  [{ hashUserId: { secret: 'sixteen bytes...' } }, /did you mean hashUserIds\?/],
  [{ hashUserIds: { key: 'sixteen bytes...' } }, /hashUserIds\.key: .*there are secret/],
  [{ hashUserIds: true }, /setting hashUserIds:/],
  [{ profile: { prefx: 'a' } }, /profile\.prefx: .*did you mean prefix\?/],
  [{ prefix: 'a' }, /did you mean keyPrefix\?/],
  [{ url: 'redis://h' }, /there are connectionString, tls/],
  [{ entries: [{ id: 'data', usr: true }] }, /entries\[0\]\.usr: .*did you mean user\?/],
  [{ entries: [{ id: 'data', ttl: 60 }] }, /entries\[0\]\.ttl: .*did you mean ttlSeconds\?/],
];
/** Those of a connection are found when it is made. */
const CONNECTION = [
  [{ tls: { caCert: 'x' } }, /tls\.caCert: .*did you mean ca|tls\.caCert: .*cert/],
  [{ tls: { rejectUnauthorized: false } }, /tls\.rejectUnauthorized: .*there are ca, cert/],
  [{ cluster: { node: ['h:1'] } }, /did you mean nodes\?/],
  [{ sentinel: { master: 'm', nodse: [] } }, /did you mean nodes\?/],
];

test('a store refuses options that it does not have', () => {
  for (const [options, words] of [...MISSPELT, ...CONNECTION]) {
    assert.throws(() => new StateStore({ connectionString: redis.url, ...options }), refused(words), JSON.stringify(options));
  }
  const ids = [[], [{ user: true }], [{ id: 'a' }, { id: 'a' }], Array.from({ length: 65 }, (_, id) => ({ id: `${id}` })), [null]];
  for (const entries of ids) assert.throws(() => new StateStore({ connectionString: redis.url, entries }), refused(/entries/));
  // What is undefined is not said, and what is off is off.
  new StateStore({ connectionString: redis.url, encrypton: undefined, encryption: null, hashUserIds: false, profile: false });
});

test('so does the plugin, wherever its configuration comes from, and nothing is stored', async () => {
  for (const [options, words] of MISSPELT) {
    const error = await (async () => {
      const app = await appWith(new RedisDb({ connectionString: redis.url, ...options }));
      await say(app, 'ada');
    })().catch((caught) => caught);
    assert.equal(error?.code, 'KENWELL_SETTINGS', JSON.stringify(options));
    assert.match(error.message, words);
  }
  for (const [options, words] of CONNECTION) {
    const app = await appWith(new RedisDb({ connectionString: redis.url, ...options }));
    await assert.rejects(say(app, 'ada'), refused(words));
  }
  // The app's own configuration is there when the app starts.
  const { App } = require('@jovotech/framework');
  const app = new App({ logging: false, plugin: { RedisDb: { connectionString: redis.url, encrypton: { keys: KEYS } } }, plugins: [new RedisDb()] });
  let told;
  app.removeErrorListener(app.errorListeners[0]);
  app.onError((error) => (told = error));
  await app.initialize();
  assert.match(told.message, /did you mean encryption\?/);
  // And what is set for one request only.
  const changed = await appWith(new RedisDb({ connectionString: redis.url }), (made) => {
    made.hook('before.request.start', (jovo) => {
      jovo.$handleRequest.plugins.RedisDb.config.encrypton = { keys: KEYS };
    });
  });
  await assert.rejects(say(changed, 'ada'), refused(/did you mean encryption\?/));
  assert.equal(await redis.ask('DBSIZE'), 0);
});

test('Jovo\'s own options, and those of a subclass, are options', async () => {
  class Mine extends RedisDb {
    getDefaultConfig() {
      return { ...super.getDefaultConfig(), greeting: 'hello' };
    }
  }
  const storedElements = { user: true, session: { enabled: true, expiresAfterSeconds: 60 }, history: { enabled: true, size: 2, mood: () => 'good' }, custom: true };
  const app = await appWith(new Mine({ connectionString: redis.url, enabled: true, skipTests: false, legacyIsNew: true, greeting: 'hi', storedElements }));
  await say(app, 'ada');
  assert.equal(JSON.parse(await redis.ask('GET', 'data:ada')).history.items[0].mood, 'good');
  for (const elements of [{ sesion: true }, { User: true }, { session: { expireAfterSeconds: 60 } }]) {
    const slipped = await appWith(new RedisDb({ connectionString: redis.url })).then((made) => made, () => null);
    assert.notEqual(slipped, null);
    const error = await appWith(new RedisDb({ connectionString: redis.url, storedElements: elements })).then((made) => say(made, 'ada')).catch((caught) => caught);
    assert.equal(error?.code, 'KENWELL_SETTINGS', JSON.stringify(elements));
    assert.match(error.message, /did you mean/);
  }
});

test('parts that no record has are refused before anything is sent', async () => {
  const store = new StateStore({ connectionString: redis.url });
  for (const [record, words] of [
    [{ usr: { data: 1 } }, /record\.usr: .*did you mean user\?/],
    [{ visits: 1 }, /record\.visits: .*there are user, session, history/],
    [{ user: { data: 1 }, sesion: {} }, /did you mean session\?/],
    [{ createdat: 'x' }, /did you mean createdAt\?/],
  ]) {
    for (const call of [() => store.save('ada', record), () => store.saveIfUnchanged('ada', record), () => store.update('ada', () => record)]) await assert.rejects(call(), refused(words));
  }
  assert.equal(await redis.ask('DBSIZE'), 0);
  await store.save('ada', { user: { data: 1 }, usr: undefined });
});

test('parts of other programs are loaded, and the record can be saved, as can copies of it', async () => {
  const foreign = '{"user":{"data":1},"id":"ada","mood":{"n":1}}';
  const copies = [(record) => record, (record) => ({ ...record }), (record) => structuredClone(record), (record) => JSON.parse(JSON.stringify(record))];
  for (const copy of copies) {
    await redis.ask('SET', 'data:ada', foreign);
    const store = new StateStore({ connectionString: redis.url });
    const record = await store.load('ada');
    assert.deepEqual(record.mood, { n: 1 });
    await store.saveIfUnchanged('ada', Object.assign(copy(record), { user: { data: 2 } })).catch((error) => assert.equal(error.code, 'KENWELL_CONFLICT'));
    await store.save('ada', copy(record));
    await assert.rejects(store.save('ada', { mod: 1 }), refused(/record\.mod/));
  }
  // What is not ours is not written, as with Jovo and the Rust store.
  assert.ok(!(await redis.ask('GET', 'data:ada')).includes('mood'));
});

test('a hook may return parts of its own', async () => {
  const store = new StateStore({
    connectionString: redis.url,
    onDecodeValue: (_entryId, text) => ({ ...JSON.parse(text), decodedBy: 'me' }),
    onEncodeValue: (_entryId, part) => JSON.stringify({ ...part, version: 7 }),
  });
  await store.save('ada', { user: { data: 1 } });
  const record = await store.load('ada');
  assert.deepEqual([record.decodedBy, record.version], ['me', 7]);
  await store.saveIfUnchanged('ada', record);
  assert.equal((await store.update('ada', (found) => found)).decodedBy, 'me');
});
