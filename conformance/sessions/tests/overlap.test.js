// Overlapping requests of one express session, and what becomes of each.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, test } = require('node:test');

const { RedisStore: ConnectRedis } = require('connect-redis');
const { createClient } = require('redis');

const { RedisStore } = require('../../../crates/kenwell-node/express');
const { Redis } = require('../../../crates/kenwell-node/test/support/redis');
const { Browser, Door, ExpressApp } = require('../support/express-app');

let redis;
let app;
before(async () => {
  redis = await Redis.start();
});
after(() => redis.stop());
afterEach(async () => {
  ExpressApp.stopAll();
  await redis.ask('FLUSHALL');
});

const stored = async (browser) => JSON.parse(await redis.ask('GET', `sess:${browser.sid}`));

/** An app, and a browser that has a session there. `routes(door)` are handlers that may wait. */
async function begin(routes, { store = new RedisStore({ connectionString: redis.url }), ...options } = {}) {
  const door = new Door();
  const all = {
    '/begin': (request, response) => (request.session.begun = true, response.end()),
    // Reads the session, waits, and then sets a field of its own.
    '/set/:name': async (request, response) => {
      await door.wait();
      request.session[request.params.name] = true;
      response.end();
    },
    ...routes?.(door),
  };
  app = await ExpressApp.start(store, all, options);
  const browser = new Browser(app.url);
  await browser.visit('/begin');
  return { browser, door };
}

/** These paths at the same time, all of them waiting at the door before it opens. */
async function overlap(browser, door, paths) {
  const visits = paths.map((path) => browser.copy().visit(path));
  await door.arrived(paths.length);
  door.open();
  return Promise.all(visits);
}

test('each request keeps what it has set, with and without resave', async () => {
  for (const resave of [true, false]) {
    const { browser, door } = await begin(null, { resave });
    await overlap(browser, door, Array.from({ length: 10 }, (_, index) => `/set/field${index}`));
    assert.equal(Object.keys(await stored(browser)).filter((name) => name.startsWith('field')).length, 10);
    app.stop();
  }
});

test('the same with connect-redis loses all but one', async () => {
  const client = await createClient({ url: redis.url }).connect();
  try {
    const { browser, door } = await begin(null, { store: new ConnectRedis({ client }) });
    await overlap(browser, door, Array.from({ length: 10 }, (_, index) => `/set/field${index}`));
    assert.equal(Object.keys(await stored(browser)).filter((name) => name.startsWith('field')).length, 1);
  } finally {
    client.destroy();
  }
});

test('a request that only reads undoes nothing, with resave', async () => {
  const { browser, door } = await begin((waiting) => ({ '/read': async (_request, response) => (await waiting.wait(), response.end()) }), { resave: true });
  const reading = browser.copy().visit('/read');
  await door.arrived(1);
  await redis.ask('SET', 'unused', '1');
  const { expires } = (await stored(browser)).cookie;
  await new RedisStore({ connectionString: redis.url }).get(browser.sid).then(async (session) => {
    session.theirs = true;
    await new RedisStore({ connectionString: redis.url }).set(browser.sid, session);
  });
  door.open();
  await reading;
  const session = await stored(browser);
  assert.equal(session.theirs, true);
  assert.ok(session.cookie.expires >= expires);
});

test('who has logged out stays logged out, whatever other requests save afterwards', async () => {
  for (const way of ['destroy', 'regenerate']) {
    const { browser, door } = await begin(() => ({ '/out': (request, response, next) => request.session[way]((error) => (error ? next(error) : response.end())) }));
    const { sid } = browser;
    const late = browser.copy().visit('/set/late');
    await door.arrived(1);
    await browser.copy().visit('/out');
    door.open();
    assert.equal((await late).status, 200);
    assert.equal(await redis.ask('EXISTS', `sess:${sid}`), 0, way);
    app.stop();
  }
});

test('a session that is saved in the middle of a request keeps what others save after that', async () => {
  const { browser, door } = await begin((waiting) => ({
    '/steps': (request, response, next) => {
      request.session.step = 1;
      request.session.save(async (error) => {
        if (error) return next(error);
        await waiting.wait();
        request.session.step = 2;
        return response.end();
      });
    },
    '/theirs': (request, response) => (request.session.seen = request.session.step, response.end()),
  }));
  const steps = browser.copy().visit('/steps');
  await door.arrived(1);
  await browser.copy().visit('/theirs');
  door.open();
  await steps;
  const { begun, step, seen } = await stored(browser);
  assert.deepEqual({ begun, step, seen }, { begun: true, step: 2, seen: 1 });
});

test('a session that was reloaded is compared with what it was then', async () => {
  const { browser, door } = await begin((waiting) => ({
    '/reload': async (request, response, next) => {
      request.session.dropped = true;
      await waiting.wait();
      request.session.reload((error) => {
        if (error) return next(error);
        delete request.session.theirs;
        return response.end();
      });
    },
    '/theirs': (request, response) => (request.session.theirs = 1, response.end()),
  }));
  const reloading = browser.copy().visit('/reload');
  await door.arrived(1);
  await browser.copy().visit('/theirs');
  door.open();
  await reloading;
  const { cookie: _, ...session } = await stored(browser);
  assert.deepEqual(session, { begun: true });
});

test('with onConflict "error" the app is told, and what was saved first stays', async () => {
  const { browser, door } = await begin((waiting) => ({
    '/name/:name': async (request, response, next) => {
      await waiting.wait();
      request.session.name = request.params.name;
      request.session.save((error) => (error ? next(error) : response.end()));
    },
  }), { store: new RedisStore({ connectionString: redis.url, onConflict: 'error' }) });
  const visits = await overlap(browser, door, ['/name/ada', '/name/bob']);
  assert.deepEqual(visits.map(({ status }) => status).sort(), [200, 500]);
  assert.equal(app.errors[0].code, 'KENWELL_CONFLICT');
  assert.equal((await stored(browser)).name, visits[0].status === 200 ? 'ada' : 'bob');
});

test('connect-redis reads what this store has written, and the other way round', async () => {
  const client = await createClient({ url: redis.url }).connect();
  const count = (request, response) => response.end(String((request.session.n = (request.session.n ?? 0) + 1)));
  try {
    const stores = [new RedisStore({ connectionString: redis.url }), new ConnectRedis({ client })];
    const apps = await Promise.all(stores.map((store) => ExpressApp.start(store, { '/': count })));
    const browser = new Browser(apps[0].url);
    for (let visit = 0; visit < 4; visit++) {
      browser.url = apps[visit % 2].url;
      assert.equal((await browser.visit('/')).text, String(visit + 1));
    }
  } finally {
    client.destroy();
  }
});
