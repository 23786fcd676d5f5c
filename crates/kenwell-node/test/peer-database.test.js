// One database, shared with Jovo's own plugin: each reads what the other wrote.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { RedisDb } = require('..');
const { appWith, say } = require('./support/jovo');
const { Peer } = require('./support/peer');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const entries = [
  { id: 'user', user: true, createdAt: true, updatedAt: true },
  { id: 'session', session: true, ttlSeconds: 900 },
  { id: 'history', history: true },
];
const DATA = { name: 'Ada €', 10: 'ten', 2: 'two', n: 1e21, deep: { list: [1, null, 'x\u2028'] }, lone: '\ud83d' };

test('a database written by Jovo\'s plugin is read, and written so that it reads it again', async () => {
  const peer = new Peer(redis.url, entries);
  const createdAt = '2024-01-01T00:00:00.000Z';
  await peer.save('ada', { user: { data: DATA }, session: { id: 'session-1', data: { step: 1 }, createdAt, updatedAt: new Date().toISOString() }, history: { items: [{ output: [] }] }, createdAt, updatedAt: createdAt });

  const app = await appWith(new RedisDb({ connectionString: redis.url, entries, storedElements: { session: true, history: { enabled: true, size: 2 } } }));
  await say(app, 'ada', (jovo) => {
    assert.equal(jovo.$user.isNew, false);
    assert.deepEqual(jovo.$user.data, DATA);
    assert.equal(jovo.$user.createdAt.toISOString(), createdAt);
    assert.deepEqual([jovo.$session.isNew, jovo.$session.data], [false, { step: 1 }]);
    assert.equal(jovo.$history.items.length, 1);
    jovo.$session.data.step = 2;
  });

  const item = await peer.load('ada');
  assert.deepEqual(item.user.data, DATA);
  assert.deepEqual(item.session.data, { step: 2 });
  assert.equal(item.history.items.length, 2);
  assert.equal(item.createdAt, createdAt);
  assert.ok(item.updatedAt > createdAt);
});

test('both leave the same bytes', async () => {
  const whole = [{ id: 'data', user: true, createdAt: true, updatedAt: true }];
  const app = await appWith(new RedisDb({ connectionString: redis.url, entries: whole }));
  await say(app, 'bob', (jovo) => Object.assign(jovo.$user.data, DATA));
  const ours = await redis.ask('GET', 'data:bob');
  const peer = new Peer(redis.url, whole);
  await peer.save('bob', await peer.load('bob'));
  assert.equal(await redis.ask('GET', 'data:bob'), ours);
});
