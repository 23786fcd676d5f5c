// Deleting a user from within a Jovo app: nothing of them is stored when the request ends.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { appWith, say } = require('./support/jovo');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const ENTRIES = [{ id: 'user', user: true, createdAt: true }, { id: 'session', session: true }];
const plugin = (config) => new RedisDb({ connectionString: redis.url, entries: ENTRIES, storedElements: { session: true }, ...config });
const visit = (jovo) => (jovo.$user.data.visits = (jovo.$user.data.visits ?? 0) + 1);

test('$user.deleteData() deletes all that is stored, and the end of the request stores nothing', async () => {
  const app = await appWith(plugin());
  await Promise.all([say(app, 'ada', visit), say(app, 'bob', visit)]);
  assert.equal((await redis.ask('KEYS', '*ada')).length, 2);
  let deleted;
  await say(app, 'ada', async (jovo) => {
    visit(jovo);
    deleted = await jovo.$user.deleteData();
    jovo.$user.data.late = true;
  });
  assert.equal(deleted, true);
  assert.deepEqual((await redis.ask('KEYS', '*')).sort(), ['session:bob', 'user:bob']);
  // The next visit is a first one.
  let isNew;
  await say(app, 'ada', (jovo) => {
    isNew = jovo.$user.isNew;
    visit(jovo);
  });
  assert.equal(isNew, true);
  assert.equal(JSON.parse(await redis.ask('GET', 'user:ada')).user.data.visits, 1);
});

test('a user of whom nothing is stored has nothing to delete, and is not stored either', async () => {
  const app = await appWith(plugin());
  let deleted;
  await say(app, 'ada', async (jovo) => (deleted = await jovo.$user.deleteData()));
  assert.equal(deleted, false);
  assert.equal(await redis.ask('DBSIZE'), 0);
});

test('deleteData of the plugin deletes any user, and the one of the request is stored as ever', async () => {
  const app = await appWith(plugin({ hashUserIds: { secret: 'sixteen bytes...' } }));
  await say(app, 'bob', visit);
  await say(app, 'ada', async (jovo) => assert.equal(await jovo.$plugins.RedisDb.deleteData('bob', jovo), true));
  let bobIsNew;
  assert.equal((await redis.ask('KEYS', '*')).length, 2);
  await say(app, 'bob', (jovo) => (bobIsNew = jovo.$user.isNew));
  assert.equal(bobIsNew, true);
});

test('a deletion that fails is told, and the request is stored', async () => {
  const app = await appWith(plugin());
  await say(app, 'ada', visit);
  await redis.ask('ACL', 'SETUSER', 'default', '-del');
  try {
    let code;
    await say(app, 'ada', (jovo) => {
      visit(jovo);
      return jovo.$user.deleteData().catch((error) => (code = error.redisCode));
    });
    assert.equal(code, 'NOPERM');
    assert.equal(JSON.parse(await redis.ask('GET', 'user:ada')).user.data.visits, 2);
  } finally {
    await redis.ask('ACL', 'SETUSER', 'default', '+del');
  }
});

test('a corrupt value can be deleted', async () => {
  await redis.ask('SET', 'user:ada', '{bad');
  const db = plugin();
  await assert.rejects(db.getDbItem('ada', {}), { code: 'KENWELL_CORRUPT_VALUE' });
  assert.equal(await db.deleteData('ada', {}), true);
  assert.deepEqual(await db.getDbItem('ada', {}), {});
});

test('what is added to $user does not show', async () => {
  const app = await appWith(plugin());
  await say(app, 'ada', (jovo) => {
    assert.ok(!Object.keys(jovo.$user).includes('deleteData'));
    assert.ok(!JSON.stringify(jovo.$user).includes('deleteData'));
  });
});
