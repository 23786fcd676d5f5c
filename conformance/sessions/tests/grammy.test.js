// What grammY's sessions do works with our adapter: with bots that are handed updates, against a real Redis.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, test } = require('node:test');

const { RedisAdapter: StorageRedis } = require('@grammyjs/storage-redis');
const { enhanceStorage, lazySession, session } = require('grammy');
const Client = require('ioredis');

const { RedisAdapter } = require('../../../crates/kenwell-node/grammy');
const { Redis } = require('../../../crates/kenwell-node/test/support/redis');
const { botWith, say } = require('../support/bot');
const { Door } = require('../support/express-app');

let redis;
before(async () => {
  redis = await Redis.start();
});
after(() => redis.stop());
afterEach(() => redis.ask('FLUSHALL'));

const adapterWith = (options = {}) => new RedisAdapter({ connectionString: redis.url, ...options });
const initial = () => ({ count: 0 });
const stored = async (key) => JSON.parse(await redis.ask('GET', key));

test('a session begins as it is told to, and is there with the next update, for each chat', async () => {
  const seen = [];
  const bot = botWith(session({ initial, storage: adapterWith() }), (context) => {
    seen.push(context.session.count);
    context.session.count += 1;
  });
  for (const chat of [7, 7, 8, 7]) await say(bot, chat, 'hello');
  assert.deepEqual(seen, [0, 1, 0, 2]);
  assert.deepEqual(await stored('7'), { count: 3 });
});

test('a session that is a text', async () => {
  const seen = [];
  const bot = botWith(session({ initial: () => 'first', storage: adapterWith() }), (context) => {
    seen.push(context.session);
    context.session = `${context.session}!`;
  });
  await say(bot, 7, 'hello');
  await say(bot, 7, 'hello');
  assert.deepEqual(seen, ['first', 'first!']);
});

test('null deletes a session; nothing is written when a handler fails', async () => {
  const bot = botWith(session({ initial, storage: adapterWith() }), (context) => {
    if (context.message.text === 'forget') context.session = null;
    else context.session.count += 1;
    if (context.message.text === 'fail') throw new Error('as asked');
  });
  await say(bot, 7, 'hello');
  await assert.rejects(say(bot, 7, 'fail'));
  assert.deepEqual(await stored('7'), { count: 1 });
  await say(bot, 7, 'forget');
  assert.equal(await redis.ask('EXISTS', '7'), 0);
});

test('prefixes, several sessions at once, and lazy ones that are not looked at', async () => {
  const storage = adapterWith({ prefix: 'bot:' });
  const several = botWith(session({ type: 'multi', here: { initial, storage, prefix: 'here/' }, mine: { initial, storage, prefix: 'mine/' } }), (context) => {
    context.session.here.count += 1;
    context.session.mine.count += 2;
  });
  await say(several, 7, 'hello');
  assert.deepEqual([await stored('bot:here/7'), await stored('bot:mine/7')], [{ count: 1 }, { count: 2 }]);
  const lazy = botWith(lazySession({ initial, storage }), async (context) => {
    if (context.message.text === 'look') (await context.session).count += 1;
  });
  await say(lazy, 9, 'hello');
  assert.equal(await redis.ask('EXISTS', 'bot:9'), 0);
  await say(lazy, 9, 'look');
  assert.deepEqual(await stored('bot:9'), { count: 1 });
});

test('enhanced storage: migrations and an end', async () => {
  const old = botWith(session({ initial, storage: adapterWith() }), (context) => (context.session.count += 1));
  await say(old, 7, 'hello');
  const storage = enhanceStorage({ storage: adapterWith(), migrations: { 1: ({ count }) => ({ total: count }) }, millisecondsToLive: 60_000 });
  const migrated = botWith(session({ storage }), (context) => (context.session.total += 10));
  await say(migrated, 7, 'hello');
  assert.deepEqual((await stored('7')).__d, { total: 11 });
  await redis.ask('SET', '7', JSON.stringify({ ...(await stored('7')), e: 1 }));
  assert.equal(await storage.read('7'), undefined);
});

test('@grammyjs/storage-redis reads what this adapter has written, and the other way round', async () => {
  const instance = new Client(redis.port, '127.0.0.1');
  try {
    const bots = [adapterWith({ ttl: 60 }), new StorageRedis({ instance, ttl: 60 })].map((storage) => botWith(session({ initial, storage }), (context) => (context.session.count += 1)));
    for (let turn = 0; turn < 4; turn++) await say(bots[turn % 2], 7, 'hello');
    assert.deepEqual(await stored('7'), { count: 4 });
  } finally {
    instance.disconnect();
  }
});

/** Ten updates of one chat that have all read the session before the first one goes on. */
async function overlapping(storage, sessionOptions = {}) {
  const door = new Door();
  const bot = botWith(session({ storage, ...sessionOptions }), async (context) => {
    await door.wait();
    context.session[context.message.text] = true;
  });
  const updates = Array.from({ length: 10 }, (_, index) => say(bot, 7, `field${index}`));
  await door.arrived(10);
  door.open();
  await Promise.all(updates);
  return Object.keys(await stored('7')).filter((name) => name.startsWith('field')).length;
}

test('overlapping updates of one chat: nothing is lost, with the first ones too when the adapter makes the session', async () => {
  await redis.ask('SET', '7', '{"count":0}');
  assert.equal(await overlapping(adapterWith()), 10);
  await redis.ask('FLUSHALL');
  assert.equal(await overlapping(adapterWith({ initial })), 10);
  await redis.ask('SET', '7', '{"__d":{"count":0}}');
  const enhanced = enhanceStorage({ storage: adapterWith(), millisecondsToLive: 60_000 });
  const door = new Door();
  const bot = botWith(session({ storage: enhanced }), async (context) => {
    await door.wait();
    context.session[context.message.text] = true;
  });
  const updates = ['a', 'b', 'c'].map((text) => say(bot, 7, text));
  await door.arrived(3);
  door.open();
  await Promise.all(updates);
  assert.deepEqual((await stored('7')).__d, { count: 0, a: true, b: true, c: true });
});

test('the same with @grammyjs/storage-redis loses all but one', async () => {
  const instance = new Client(redis.port, '127.0.0.1');
  try {
    await redis.ask('SET', '7', '{"count":0}');
    assert.equal(await overlapping(new StorageRedis({ instance })), 1);
  } finally {
    instance.disconnect();
  }
});

test('a chat that was forgotten stays forgotten', async () => {
  await redis.ask('SET', '7', '{"count":0}');
  const door = new Door();
  const bot = botWith(session({ storage: adapterWith() }), async (context) => {
    if (context.message.text === 'forget') context.session = null;
    else {
      await door.wait();
      context.session.late = true;
    }
  });
  const late = say(bot, 7, 'late');
  await door.arrived(1);
  await say(bot, 7, 'forget');
  door.open();
  await late;
  assert.equal(await redis.ask('EXISTS', '7'), 0);
});
