// What express-session promises to its users holds with our store: the facts that its own suite looks at, against a real Redis.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, test } = require('node:test');

const session = require('express-session');

const { RedisStore } = require('../../../crates/kenwell-node/express');
const { PATIENCE_MS, Redis } = require('../../../crates/kenwell-node/test/support/redis');
const { Browser, ExpressApp } = require('../support/express-app');

let redis;
before(async () => {
  redis = await Redis.start();
});
after(() => redis.stop());
afterEach(async () => {
  ExpressApp.stopAll();
  await redis.ask('FLUSHALL');
});

const storeWith = (options = {}) => new RedisStore({ connectionString: redis.url, ...options });
const keys = () => redis.ask('KEYS', '*');
const stored = async (browser) => JSON.parse(await redis.ask('GET', `sess:${browser.sid}`));

async function appWith(routes, options = {}, store = storeWith()) {
  const app = await ExpressApp.start(store, routes, options);
  app.store = store;
  return Object.assign(app, { browser: new Browser(app.url) });
}

/** Counts the calls of a method of a store. */
function counted(store, method) {
  const original = store[method];
  const calls = [];
  store[method] = function (...args) {
    calls.push(args[0]);
    return original.apply(this, args);
  };
  return calls;
}

const count = (request, response) => {
  request.session.n = (request.session.n ?? 0) + 1;
  response.end(String(request.session.n));
};

test('the store is one of express-session\'s', () => {
  assert.ok(storeWith() instanceof session.Store);
});

test('a session is made, found again by its cookie, and each browser has its own', async () => {
  const { browser, url } = await appWith({ '/': count });
  const first = await browser.visit('/');
  assert.match(first.header, /^connect\.sid=s%3A/);
  assert.equal((await browser.visit('/')).text, '2');
  assert.equal((await new Browser(url).visit('/')).text, '1');
  assert.equal((await keys()).length, 2);
  assert.deepEqual((await stored(browser)).n, 2);
});

test('a cookie whose session is not there, or that is not signed by us, gets a new session with a new id', async () => {
  const { browser } = await appWith({ '/': count });
  await browser.visit('/');
  const { cookie, sid } = browser;
  await redis.ask('FLUSHALL');
  assert.equal((await browser.visit('/')).text, '1');
  assert.notEqual(browser.sid, sid);
  browser.cookie = cookie.replace(/\.[^.]+$/, '.forged');
  assert.equal((await browser.visit('/')).text, '1');
});

test('the session is stored before the response has ended, whatever the response is', async () => {
  const { browser } = await appWith({
    '/empty': (request, response) => (count(request, { end() {} }), response.set('Content-Length', '0').end()),
    '/written': (request, response) => (count(request, { end() {} }), response.set('Content-Length', '10'), response.write('01234'), response.end('56789')),
    '/whole': (request, response) => (count(request, { end() {} }), response.set('Content-Length', '10'), response.end('0123456789')),
    '/json': (request, response) => (count(request, { end() {} }), response.json({})),
  });
  for (const [index, path] of ['/empty', '/written', '/whole', '/json'].entries()) {
    const { status, text } = await browser.visit(path);
    assert.equal(status, 200);
    if (index % 3) assert.equal(text, '0123456789');
    assert.equal((await stored(browser)).n, index + 1);
  }
});

test('each visit moves the end of the session, in Redis and in what is stored', async () => {
  for (const resave of [true, false]) {
    const { browser } = await appWith({ '/': (request, response) => (request.session.hit = true, response.end()) }, { resave });
    await browser.visit('/');
    const { expires } = (await stored(browser)).cookie;
    await redis.ask('EXPIRE', `sess:${browser.sid}`, 30);
    await new Promise((resolve) => setTimeout(resolve, 5)); // the clock of JavaScript must have moved
    await browser.visit('/');
    assert.ok((await stored(browser)).cookie.expires > expires, `resave: ${resave}`);
    assert.ok((await redis.ask('TTL', `sess:${browser.sid}`)) > 50);
  }
});

test('resave: an unmodified session is saved, or only touched; a modified one is saved', async () => {
  for (const resave of [true, false]) {
    const { browser, store } = await appWith({ '/': (_request, response) => response.end(), '/change': count }, { resave });
    await browser.visit('/change');
    const [sets, touches] = [counted(store, 'set'), counted(store, 'touch')];
    await browser.visit('/');
    assert.deepEqual([sets.length, touches.length], resave ? [1, 0] : [0, 1]);
    await browser.visit('/change');
    assert.equal(sets.length, resave ? 2 : 1);
  }
});

test('saveUninitialized: an empty session is stored, or nothing is', async () => {
  for (const saveUninitialized of [true, false]) {
    const { browser } = await appWith({ '/': (_request, response) => response.end() }, { saveUninitialized });
    const { header } = await browser.visit('/');
    assert.equal(header !== undefined, saveUninitialized);
    assert.equal((await keys()).length, saveUninitialized ? 1 : 0);
    await redis.ask('FLUSHALL');
  }
});

test('rolling: the cookie is sent each time, or only when the session was modified', async () => {
  for (const rolling of [true, false]) {
    const { browser } = await appWith({ '/': (_request, response) => response.end(), '/change': count }, { rolling });
    await browser.visit('/change');
    assert.equal((await browser.visit('/')).header !== undefined, rolling);
    assert.ok((await browser.visit('/change')).header);
  }
});

test('unset: null destroys the session, or keeps it', async () => {
  for (const unset of ['destroy', 'keep']) {
    const { browser } = await appWith({ '/': count, '/out': (request, response) => (request.session = null, response.end()) }, { unset });
    await browser.visit('/');
    await browser.visit('/out');
    assert.equal(await redis.ask('EXISTS', `sess:${browser.sid}`), unset === 'destroy' ? 0 : 1);
  }
});

test('destroy and regenerate: the old session is gone, and a new one has a new id', async () => {
  const { browser } = await appWith({
    '/': count,
    '/destroy': (request, response, next) => request.session.destroy((error) => (error ? next(error) : response.end(String(request.session)))),
    '/regenerate': (request, response, next) => request.session.regenerate((error) => (error ? next(error) : count(request, response))),
  });
  await browser.visit('/');
  await browser.visit('/');
  const { sid } = browser;
  assert.equal((await browser.visit('/regenerate')).text, '1');
  assert.notEqual(browser.sid, sid);
  assert.deepEqual(await keys(), [`sess:${browser.sid}`]);
  assert.equal((await browser.visit('/destroy')).text, 'undefined');
  assert.deepEqual(await keys(), []);
});

test('reload: shows what others have stored, and is an error when the session is gone', async () => {
  const { browser } = await appWith({
    '/': count,
    '/reload': async (request, response, next) => {
      await new Browser(`http://${request.headers.host}`, request.headers.cookie).visit('/');
      request.session.reload((error) => (error ? next(error) : response.end(String(request.session.n))));
    },
    '/gone': async (request, response, next) => {
      await redis.ask('DEL', `sess:${request.sessionID}`);
      request.session.reload((error) => (error ? next(error) : response.end()));
    },
  });
  await browser.visit('/');
  assert.equal((await browser.visit('/reload')).text, '2');
  assert.deepEqual(await browser.visit('/gone').then(({ status, text }) => [status, text]), [500, 'failed to load session']);
});

test('save: is stored when it calls back, and prevents the save at the end, after a reload too', async () => {
  const saveAnd = (request, response, next) => request.session.save(async (error) => (error ? next(error) : response.end(String((await request.sessionStore.get(request.sessionID)).n))));
  const { browser, store } = await appWith({
    '/save': (request, response, next) => (request.session.n = 7, saveAnd(request, response, next)),
    '/reload': (request, response, next) => request.session.reload((error) => (error ? next(error) : saveAnd(request, response, next))),
  }, { resave: true });
  const sets = counted(store, 'set');
  assert.equal((await browser.visit('/save')).text, '7');
  assert.equal(sets.length, 1);
  await browser.visit('/reload');
  assert.equal(sets.length, 2);
});

test('only the session\'s own data can be enumerated', async () => {
  const { browser } = await appWith({ '/': (request, response) => (request.session.a = 1, response.end(Object.keys(request.session).sort().join())) });
  assert.equal((await browser.visit('/')).text, 'a,cookie');
  assert.equal((await browser.visit('/')).text, 'a,cookie');
});

test('stored names that a session\'s methods have do no harm, and a session without a cookie is an error', async () => {
  const { browser, store } = await appWith({ '/': count });
  await browser.visit('/');
  const session_ = await store.get(browser.sid);
  await store.set(browser.sid, Object.assign(session_, { save: 'no function' }));
  assert.equal((await browser.visit('/')).text, '2');
  await store.set(browser.sid, { n: 1 });
  assert.equal((await browser.visit('/')).status, 500);
});

test('a session ends when its cookie does, at most a second later', async () => {
  const { browser } = await appWith({ '/': count }, { cookie: { maxAge: 5 } });
  await browser.visit('/');
  assert.ok((await redis.ask('PTTL', `sess:${browser.sid}`)) <= 1_000);
  await redis.ask('PEXPIRE', `sess:${browser.sid}`, 0);
  assert.equal((await browser.visit('/')).text, '1');
});

test('cookies: originalMaxAge stays, a changed maxAge and a browser-session cookie are kept', async () => {
  const { browser } = await appWith({
    '/': count,
    '/month': (request, response) => (request.session.cookie.maxAge = 30 * 86_400_000, response.end()),
    '/browser': (request, response) => (request.session.cookie.expires = null, count(request, response)),
    '/age': (request, response) => response.end(String(request.session.cookie.originalMaxAge)),
  });
  await browser.visit('/');
  for (let visit = 0; visit < 3; visit++) await browser.visit('/');
  assert.ok(Math.abs(Number((await browser.visit('/age')).text) - 60_000) < 1_000);
  // express-session takes such a session for unmodified, and only touches it.
  await browser.visit('/month');
  assert.ok(Number((await browser.visit('/age')).text) > 29 * 86_400_000);
  assert.ok((await redis.ask('TTL', `sess:${browser.sid}`)) > 29 * 86_400);
  await browser.visit('/browser');
  assert.equal((await stored(browser)).cookie.expires, null);
  assert.equal((await browser.visit('/age')).text, 'null');
});

test('when Redis is away, each error reaches the app, and the store finds it again', async () => {
  const own = await Redis.start();
  try {
    const { browser, errors, url } = await appWith({
      '/': count,
      '/destroy': (request, response, next) => request.session.destroy((error) => (error ? next(error) : response.end())),
    }, {}, new RedisStore({ connectionString: own.url, commandTimeoutMs: PATIENCE_MS }));
    await browser.visit('/');
    await own.kill();
    assert.equal((await browser.visit('/')).status, 500);
    assert.match(errors[0].code, /^KENWELL_(CONNECTION|TIMEOUT)$/);
    // Nothing to be read: the error comes at the end, when the response is on its way.
    await new Browser(url).visit('/').catch(() => {});
    assert.equal(errors.length, 2);
    await own.restart();
    assert.equal((await browser.visit('/')).text, '1');
  } finally {
    await own.stop();
  }
});

test('the app decides by events whether there are sessions', async () => {
  const { browser, store } = await appWith({ '/': (request, response) => response.end(String(request.session !== undefined)) });
  store.emit('disconnect');
  assert.equal((await browser.visit('/')).text, 'false');
  store.emit('connect');
  assert.equal((await browser.visit('/')).text, 'true');
});
