// The store under @fastify/session: its contract of three methods, and overlapping requests.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, test } = require('node:test');

const fastifyCookie = require('@fastify/cookie');
const fastifySession = require('@fastify/session');
const fastify = require('fastify');

const { RedisStore } = require('../../../crates/kenwell-node/express');
const { PATIENCE_MS, Redis } = require('../../../crates/kenwell-node/test/support/redis');
const { Door } = require('../support/express-app');

let redis;
let app;
before(async () => {
  redis = await Redis.start();
});
after(() => redis.stop());
afterEach(async () => {
  await app.close();
  await redis.ask('FLUSHALL');
});

/** An app; `visit(path, cookie)` gives status, text and the cookie. */
async function begin(routes, options = {}) {
  app = fastify();
  await app.register(fastifyCookie);
  await app.register(fastifySession, { store: new RedisStore({ connectionString: redis.url }), secret: 'a secret with minimum length of 32 characters', cookie: { secure: false, maxAge: 60_000 }, ...options });
  for (const [path, handler] of Object.entries(routes)) app.get(path, handler);
  return async (path, cookie) => {
    const response = await app.inject({ url: path, headers: cookie ? { cookie } : {} });
    return { status: response.statusCode, text: response.payload, cookie: response.headers['set-cookie']?.split(';')[0] ?? cookie };
  };
}

const keys = () => redis.ask('KEYS', '*');
const stored = async () => JSON.parse(await redis.ask('GET', (await keys())[0]));
const count = async (request) => String((request.session.n = (request.session.n ?? 0) + 1));

test('a session is made, found again, regenerated and destroyed', async () => {
  const visit = await begin({
    '/': count,
    '/new': async (request) => {
      await request.session.regenerate(['n']);
      return String(request.session.n);
    },
    '/reload': async (request) => {
      await request.session.reload();
      return String(request.session.n);
    },
    '/out': async (request) => {
      await request.session.destroy();
      return 'out';
    },
  });
  const { cookie } = await visit('/');
  assert.equal((await visit('/', cookie)).text, '2');
  assert.match((await keys())[0], /^sess:/);
  assert.ok((await redis.ask('TTL', (await keys())[0])) > 50);
  const again = await visit('/new', cookie);
  assert.equal(again.text, '2');
  assert.notEqual(again.cookie, cookie);
  assert.equal((await keys()).length, 1);
  assert.equal((await visit('/reload', again.cookie)).text, '2');
  await visit('/out', again.cookie);
  assert.deepEqual(await keys(), []);
  assert.equal((await visit('/', again.cookie)).text, '1');
});

test('saveUninitialized and rolling', async () => {
  const visit = await begin({ '/': async () => 'ok', '/change': count }, { saveUninitialized: false, rolling: false });
  await visit('/');
  assert.deepEqual(await keys(), []);
  const { cookie } = await visit('/change');
  await redis.ask('EXPIRE', (await keys())[0], 30);
  await visit('/', cookie);
  assert.ok((await redis.ask('TTL', (await keys())[0])) <= 30, 'nothing is saved that was not modified');
});

test('errors of the store reach the app', async () => {
  const own = await Redis.start();
  const visit = await begin({ '/': count }, { store: new RedisStore({ connectionString: own.url, commandTimeoutMs: PATIENCE_MS }) });
  try {
    const { cookie } = await visit('/');
    await own.kill();
    assert.equal((await visit('/', cookie)).status, 500);
    assert.equal((await visit('/')).status, 500);
  } finally {
    await own.stop();
  }
});

test('overlapping requests: each keeps what it has set', async () => {
  const door = new Door();
  const visit = await begin({
    '/': count,
    '/set/:name': async (request) => {
      await door.wait();
      request.session[request.params.name] = true;
      return 'set';
    },
  });
  const { cookie } = await visit('/');
  const visits = Array.from({ length: 10 }, (_, index) => visit(`/set/field${index}`, cookie));
  await door.arrived(10);
  door.open();
  await Promise.all(visits);
  const session = await stored();
  assert.equal(Object.keys(session).filter((name) => name.startsWith('field')).length, 10);
  assert.deepEqual(Object.keys(session).sort().slice(0, 2), ['cookie', 'field0'], 'nothing of ours is stored');
});

test('who has logged out stays logged out', async () => {
  const door = new Door();
  const visit = await begin({
    '/': count,
    '/late': async (request) => {
      await door.wait();
      request.session.late = true;
      return 'late';
    },
    '/out': async (request) => {
      await request.session.destroy();
      return 'out';
    },
  });
  const { cookie } = await visit('/');
  const late = visit('/late', cookie);
  await door.arrived(1);
  await visit('/out', cookie);
  door.open();
  assert.equal((await late).status, 200);
  assert.deepEqual(await keys(), []);
});
