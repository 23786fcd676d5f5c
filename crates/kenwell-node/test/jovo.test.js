// RedisDb in a real Jovo app: what it does better than Jovo's own plugin, and the traps of the framework.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { appWith, say } = require('./support/jovo');
const { until } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const plugin = (config) => new RedisDb({ connectionString: redis.url, ...config });

test('a user is new the first time, and only then', async () => {
  const app = await appWith(plugin());
  const seen = [];
  for (const user of ['ada', 'ada', 'bob']) await say(app, user, (jovo) => seen.push(jovo.$user.isNew));
  assert.deepEqual(seen, [true, false, true]);
});

test('with legacyIsNew nobody is new', async () => {
  const app = await appWith(plugin({ legacyIsNew: true }));
  let isNew;
  await say(app, 'ada', (jovo) => (isNew = jovo.$user.isNew));
  assert.equal(isNew, false);
});

test('a record that holds nothing but was stored is not new', async () => {
  const app = await appWith(plugin({ storedElements: { user: false, createdAt: false, updatedAt: false } }));
  const seen = [];
  for (let visit = 0; visit < 2; visit++) await say(app, 'ada', (jovo) => seen.push(jovo.$user.isNew));
  assert.deepEqual(seen, [true, false]);
  assert.equal(await redis.ask('GET', 'data:ada'), '{}');
});

test('it extends the DbPlugin of the application, and survives being cloned for every request', async () => {
  const { DbPlugin } = require('@jovotech/framework');
  const original = plugin();
  assert.ok(original instanceof DbPlugin);
  assert.equal(original.name, 'RedisDb');
  const app = await appWith(original);
  const clones = new Set();
  for (let visit = 0; visit < 20; visit++) {
    await say(app, 'ada', (jovo) => {
      clones.add(jovo.$plugins.RedisDb);
      jovo.$user.data.visits = (jovo.$user.data.visits ?? 0) + 1;
    });
  }
  assert.equal(clones.size, 20);
  assert.ok(!clones.has(original));
  assert.equal(JSON.parse(await redis.ask('GET', 'data:ada')).user.data.visits, 20);
});

test('all requests share one connection', async () => {
  const app = await appWith(plugin());
  await Promise.all(Array.from({ length: 50 }, (_, user) => say(app, `user-${user}`)));
  await until(async () => (await redis.clients()) === 1);
});

test('two apps with different settings do not mix', async () => {
  const one = await appWith(plugin({ keyPrefix: 'one' }));
  const two = await appWith(new RedisDb({ connectionString: `${redis.url}/1`, keySeparator: '/' }));
  await Promise.all([say(one, 'ada', (jovo) => (jovo.$user.data.app = 1)), say(two, 'ada', (jovo) => (jovo.$user.data.app = 2))]);
  assert.deepEqual(await redis.ask('KEYS', '*'), ['one:data:ada']);
  assert.equal(JSON.parse(await redis.ask('GET', 'one:data:ada')).user.data.app, 1);
  assert.match(await redis.ask('INFO', 'keyspace'), /db1:keys=1/);
});

test('configuration may change per request, as for tenants', async () => {
  const app = await appWith(plugin(), (made) => {
    made.hook('before.request.start', (jovo) => {
      jovo.$handleRequest.plugins.RedisDb.config.keyPrefix = jovo.$server.request.input.text;
    });
  });
  await Promise.all(['tenant-a', 'tenant-b'].map((tenant) => say(app, 'ada', (jovo) => (jovo.$user.data.tenant = tenant), tenant)));
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['tenant-a:data:ada', 'tenant-b:data:ada']);
  assert.equal(JSON.parse(await redis.ask('GET', 'tenant-a:data:ada')).user.data.tenant, 'tenant-a');
});

test('a corrupt value is an error with key and entry, and is not overwritten', async () => {
  const app = await appWith(plugin());
  await redis.ask('SET', 'data:ada', '{"user":{"data":{"secret":"hunter2"');
  const error = await say(app, 'ada').catch((caught) => caught);
  assert.deepEqual([error.code, error.entry, error.key], ['KENWELL_CORRUPT_VALUE', 'data', 'data:ada']);
  assert.ok(!require('node:util').inspect(error).includes('hunter2'));
  // Not even by an app that goes on regardless.
  const saving = await plugin()
    .saveData('ada', { getPersistableData: () => ({ user: { data: {} } }) })
    .catch((caught) => caught);
  assert.equal(saving.code, 'KENWELL_CORRUPT_VALUE');
  assert.match(await redis.ask('GET', 'data:ada'), /hunter2/);
  // Once it is repaired, everything is well.
  await redis.ask('SET', 'data:ada', '{"user":{"data":{"n":1}}}');
  await say(app, 'ada', (jovo) => (jovo.$user.data.n += 1));
  assert.equal(JSON.parse(await redis.ask('GET', 'data:ada')).user.data.n, 2);
});

test('with overwriteCorrupt a corrupt value counts as not stored', async () => {
  const app = await appWith(plugin({ overwriteCorrupt: true }));
  await redis.ask('SET', 'data:ada', '{bad');
  let isNew;
  await say(app, 'ada', (jovo) => (isNew = jovo.$user.isNew));
  assert.equal(isNew, true);
  assert.deepEqual(JSON.parse(await redis.ask('GET', 'data:ada')).user, { data: {} });
});

test('bytes that are no UTF-8 are an error, and stay as they are', async () => {
  const app = await appWith(plugin());
  const bytes = Buffer.from('7b2275736572223a7b2264617461223a7b2278223a2261fffe62227d7d7d', 'hex');
  await redis.ask('SET', 'data:ada', bytes);
  await assert.rejects(say(app, 'ada'), { code: 'KENWELL_CORRUPT_VALUE', entry: 'data' });
  assert.equal(await redis.ask('STRLEN', 'data:ada'), bytes.length);
});

test('a hook that fails rejects its own request only', async () => {
  const app = await appWith(
    plugin({
      onEncodeValue: (_entryId, dbItem) => {
        if (dbItem.user.data.bad) throw new RangeError('hook failed');
        return JSON.stringify(dbItem);
      },
    }),
  );
  const results = await Promise.allSettled([say(app, 'ada', (jovo) => (jovo.$user.data.bad = true)), say(app, 'bob')]);
  assert.equal(results[0].reason.message, 'hook failed');
  assert.ok(results[0].reason instanceof RangeError);
  assert.equal(results[1].status, 'fulfilled');
  assert.deepEqual(await redis.ask('KEYS', '*'), ['data:bob']);
});

test('a time to live that is no whole number is refused, and nothing is written', async () => {
  for (const ttlSeconds of [1.5, '60s', 'abc', NaN]) {
    const app = await appWith(plugin({ entries: [{ id: 'data', user: true, ttlSeconds }] }));
    await assert.rejects(say(app, 'ada'), { code: 'KENWELL_SETTINGS', message: /ttlSeconds of entry "data"/ });
    assert.equal(await redis.ask('EXISTS', 'data:ada'), 0);
  }
});

test('refreshOnLoad starts the time to live anew', async () => {
  const entries = [{ id: 'data', user: true, ttlSeconds: 1000 }];
  const db = plugin({ entries, refreshOnLoad: true });
  await redis.ask('SET', 'data:ada', '{"user":{"data":{}}}', 'EX', 100);
  await plugin({ entries }).getDbItem('ada', {});
  assert.ok((await redis.ask('TTL', 'data:ada')) <= 100);
  await db.getDbItem('ada', {});
  assert.ok((await redis.ask('TTL', 'data:ada')) > 900);
});

test('the profile comes along, read-only', async () => {
  await redis.ask('HSET', 'app:user:ada', 'plan.name', 'pro', '__proto__', 'just a name');
  const app = await appWith(plugin({ profile: { prefix: 'app' } }));
  let profile;
  await say(app, 'ada', (jovo) => {
    profile = jovo.$user.profile;
    assert.throws(() => (profile.plan = 'free'), TypeError);
    assert.throws(() => (jovo.$user.profile = {}), TypeError);
    assert.equal(jovo.$user.isNew, true);
  });
  assert.deepEqual(Object.entries(profile), [['plan.name', 'pro'], ['__proto__', 'just a name']]);
  assert.ok(!(await redis.ask('GET', 'data:ada')).includes('plan'));
  await say(app, 'bob', (jovo) => assert.equal(jovo.$user.profile, undefined));
});

test('user ids can be hashed', async () => {
  const app = await appWith(plugin({ hashUserIds: { secret: 'sixteen bytes...' } }));
  await say(app, 'ada');
  const name = require('node:crypto').createHmac('sha256', 'sixteen bytes...').update('ada').digest('hex');
  assert.deepEqual(await redis.ask('KEYS', '*'), [`data:${name}`]);
});

test('values can be encrypted', async () => {
  const app = await appWith(plugin({ encryption: { keys: [{ id: '2026', secret: 'ab'.repeat(32) }] } }));
  for (let visit = 0; visit < 2; visit++) await say(app, 'ada', (jovo) => (jovo.$user.data.visits = (jovo.$user.data.visits ?? 0) + 1));
  assert.match(await redis.ask('GET', 'data:ada'), /^kw1\.2026\.[A-Za-z0-9_-]+$/);
  await say(app, 'ada', (jovo) => assert.equal(jovo.$user.data.visits, 2));
});

test('a value that is too large is refused by name', async () => {
  const app = await appWith(plugin({ maxValueBytes: 100 }));
  await assert.rejects(say(app, 'ada', (jovo) => (jovo.$user.data.text = 'x'.repeat(100))), { code: 'KENWELL_TOO_LARGE', entry: 'data', key: 'data:ada' });
  assert.equal(await redis.ask('EXISTS', 'data:ada'), 0);
});

test('the connection string must be replaced', async () => {
  const app = await appWith(new RedisDb());
  await assert.rejects(say(app, 'ada'), { code: 'KENWELL_SETTINGS', message: /redis:\/\// });
});
