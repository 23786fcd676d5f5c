// When Redis is away, slow, or comes back as somebody else.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');

const { StateStore } = require('../state');
const { PATIENCE_MS, Redis, freePort, until } = require('./support/redis');

async function withRedis(body, args) {
  const redis = await Redis.start(args);
  try {
    await body(redis, (options) => new StateStore({ connectionString: redis.url, ...options }));
  } finally {
    await redis.stop();
  }
}

/** A server that takes connections and does with them what it is told. */
async function serverThat(treats) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    treats(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${server.address().port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('Redis that is down is an error with a code, at once', async () => {
  const store = new StateStore({ connectionString: `redis://127.0.0.1:${await freePort()}` });
  for (const call of [() => store.load('ada'), () => store.save('ada', {}), () => store.delete('ada'), () => store.saveIfUnchanged('ada', {})]) {
    await assert.rejects(call(), { name: 'KenwellError', code: 'KENWELL_CONNECTION', systemCode: 'ECONNREFUSED', retryable: true });
  }
});

test('a server that never answers costs no more than the timeouts', async () => {
  const silent = await serverThat(() => {});
  try {
    const store = new StateStore({ connectionString: silent.url, connectTimeoutMs: 100, commandTimeoutMs: 100 });
    await assert.rejects(store.load('ada'), { code: 'KENWELL_TIMEOUT', retryable: true });
    await assert.rejects(store.save('ada', {}), { code: 'KENWELL_TIMEOUT' });
  } finally {
    silent.close();
  }
});

test('a server that is no Redis is an error', async () => {
  const web = await serverThat((socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  try {
    await assert.rejects(new StateStore({ connectionString: web.url }).load('ada'), { code: /^KENWELL_(CONNECTION|SETTINGS)$/ });
  } finally {
    web.close();
  }
});

test('a connection that the server closed is opened again, and nobody notices', () =>
  withRedis(async (redis, storeWith) => {
    const store = storeWith();
    for (let round = 0; round < 20; round++) {
      await store.save('ada', { user: { data: { round } } });
      assert.equal(await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'), 1);
      assert.equal((await store.load('ada')).user.data.round, round);
    }
    assert.equal(await redis.clients(), 1);
  }));

test('a restarted Redis is found again', () =>
  withRedis(async (redis, storeWith) => {
    const store = storeWith();
    await store.save('ada', {});
    await redis.kill();
    await assert.rejects(store.load('ada'), { code: 'KENWELL_CONNECTION' });
    await redis.restart();
    assert.equal(await store.load('ada'), null);
  }));

test('a frozen Redis costs a timeout, and is used again when it has thawed', () =>
  withRedis(async (redis, storeWith) => {
    const store = storeWith({ commandTimeoutMs: 2000, connectTimeoutMs: 2000 });
    await store.save('ada', { user: { data: 1 } });
    redis.child.kill('SIGSTOP');
    await assert.rejects(store.load('ada'), { code: 'KENWELL_TIMEOUT' });
    redis.child.kill('SIGCONT');
    await until(async () => (await store.load('ada').catch(() => null))?.user.data === 1);
    await until(async () => (await redis.clients()) === 1);
  }));

test('errors leave no connection behind', () =>
  withRedis(async (redis, storeWith) => {
    const failing = [
      storeWith({ onEncodeValue: () => assert.fail('encode') }),
      storeWith({ onCreateKey: () => assert.fail('key') }),
      storeWith({ onDecodeValue: () => assert.fail('decode') }),
    ];
    await storeWith().save('ada', {});
    await redis.ask('RPUSH', 'data:list', 'x');
    for (const store of failing) {
      await store.save('ada', {}).catch(() => {});
      await store.load('ada').catch(() => {});
      await store.load('list').catch(() => {});
    }
    assert.equal(await redis.clients(), 1);
  }));

test('an ambiguous saveIfUnchanged says so instead of being repeated', () =>
  withRedis(async (redis) => {
    // Passes everything on, but hangs up when a script is sent.
    const proxy = await serverThat((socket) => {
      const upstream = net.connect({ port: redis.port, host: '127.0.0.1' });
      upstream.on('error', () => {});
      upstream.on('data', (chunk) => socket.write(chunk));
      upstream.on('close', () => socket.destroy());
      socket.on('close', () => upstream.destroy());
      socket.on('data', (chunk) => (chunk.includes('EVAL') ? socket.destroy() : upstream.write(chunk)));
    });
    try {
      const store = new StateStore({ connectionString: proxy.url });
      await store.save('ada', {});
      await assert.rejects(store.saveIfUnchanged('ada', await store.load('ada')), { code: 'KENWELL_UNCERTAIN', retryable: false });
    } finally {
      proxy.close();
    }
  }));

test('IPv6 literals and databases of the URL work', () =>
  withRedis(
    async (redis) => {
      await new StateStore({ connectionString: `redis://[::1]:${redis.port}/3` }).save('ada', {});
      assert.match(await redis.ask('INFO', 'keyspace'), /db3:keys=1/);
      await assert.rejects(new StateStore({ connectionString: `${redis.url}/99` }).load('ada'), { code: 'KENWELL_REFUSED', message: /out of range/ });
    },
    ['--bind', '127.0.0.1', '::1'],
  ));

test('more waiting calls than the bound are refused', () =>
  withRedis(async (redis, storeWith) => {
    const store = storeWith({ connectTimeoutMs: PATIENCE_MS, commandTimeoutMs: PATIENCE_MS });
    const results = await Promise.allSettled(Array.from({ length: 65_537 }, () => store.load('ada')));
    const refused = results.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 1);
    assert.deepEqual([refused[0].reason.code, refused[0].reason.retryable], ['KENWELL_BUSY', true]);
  }));

test('connections are bounded, and none is cut off in the middle of a call', () =>
  withRedis(async (redis, storeWith) => {
    const stores = Array.from({ length: 300 }, (_, index) => storeWith({ commandTimeoutMs: PATIENCE_MS + index }));
    await Promise.all(stores.map((store, index) => store.save(`user-${index}`, {})));
    assert.equal(await redis.ask('DBSIZE'), 300);
    await until(async () => (await redis.clients()) <= 256);
  }));
