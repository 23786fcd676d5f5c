// A server that answers with what no Redis answers with, and addresses that lead nowhere.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const dns = require('node:dns');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');

const { StateStore, transport } = require('../state');
const { serve } = require('./support/hostile-server');
const { Redis, freePort, until } = require('./support/redis');

const record = { user: { data: { name: 'Ada' } } };

const chunk = (text) => Buffer.from(text.repeat(65_536 / text.length));

for (const [what, begin, more] of [
  ['a large value', '$2000000000\r\n', chunk('x')],
  ['a long list', '*1000000000\r\n', chunk('$-1\r\n')],
  ['lists in lists', '*1\r\n', chunk('*1\r\n')],
  ['an endless line', '+', chunk('x')],
  ['an endless refusal', '-ERR ', chunk('x')],
  ['noise', 'x', chunk('x')],
]) {
  test(`${what} takes no memory`, async () => {
    const server = await serve(() => [begin, more]);
    const before = process.memoryUsage().rss;
    try {
      const store = new StateStore({ connectionString: server.connectionString, commandTimeoutMs: 20_000 });
      for (const call of [() => store.save('ada', record), () => store.load('ada'), () => store.delete('ada')]) {
        await assert.rejects(call, (error) => error.code === 'KENWELL_CONNECTION' && /it sent/.test(error.message) && error.message.length < 600);
      }
    } finally {
      server.close();
    }
    const taken = process.memoryUsage().rss - before;
    assert.ok(taken < 400_000_000, `${taken} bytes`);
  });
}

test('a write is answered by no value, however small the bound of a value is', async () => {
  const server = await serve((name) => (name === 'SET' ? ['$70000\r\n', chunk('x')] : ['*-1\r\n']));
  try {
    const store = new StateStore({ connectionString: server.connectionString });
    await assert.rejects(store.save('ada', record), (error) => /more than 65536 bytes/.test(error.message));
  } finally {
    server.close();
  }
});

test('words of a server steer no terminal and hide nothing', async () => {
  const server = await serve(() => ['-EVIL \u001b[2J\u009b31m\u202e\u200b\r\n']);
  try {
    const store = new StateStore({ connectionString: server.connectionString });
    await assert.rejects(store.load('ada'), (error) => {
      assert.match(error.message, /EVIL/);
      assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
      return true;
    });
  } finally {
    server.close();
  }
});

test('a redirection of what should be standalone names the setting', async () => {
  const server = await serve(() => ['-MOVED 1 10.0.0.1:6379\r\n']);
  try {
    const store = new StateStore({ connectionString: server.connectionString });
    for (const call of [() => store.load('ada'), () => store.save('ada', record)]) {
      await assert.rejects(call, (error) => error.code === 'KENWELL_SETTINGS' && /set cluster/.test(error.message));
    }
  } finally {
    server.close();
  }
});

test('a map of addresses is for a cluster and Sentinels', async () => {
  const open = (more) => new StateStore({ connectionString: 'redis://127.0.0.1:1', ...more });
  for (const [more, says] of [
    [{ addressMap: { a: 'b' } }, /no effect without cluster/],
    [{ addressMap: ['a'], cluster: true }, /must be an object/],
    [{ addressMap: { a: 1 }, cluster: true }, /must be an object/],
  ]) {
    await assert.rejects(async () => open(more).load('ada'), (error) => error.code === 'KENWELL_SETTINGS' && says.test(error.message));
  }
});

test('a cluster that announces another address is named, and mapped', async () => {
  const port = await freePort();
  const redis = await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())], { port });
  try {
    await redis.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await redis.ask('CONFIG', 'SET', 'cluster-announce-hostname', '127.0.0.9');
    await redis.ask('CONFIG', 'SET', 'cluster-preferred-endpoint-type', 'hostname');
    await until(async () => String(await redis.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const open = (addressMap) => new StateStore({ connectionString: redis.url, cluster: true, addressMap });
    await assert.rejects(open().load('ada'), (error) => /127\.0\.0\.9/.test(error.message) && /the cluster named/.test(error.message) && /cluster-announce-ip/.test(error.message));
    for (const addressMap of [{ '127.0.0.9': '127.0.0.1' }, { [`127.0.0.9:${port}`]: `127.0.0.1:${port}` }]) {
      const store = open(addressMap);
      await store.save('ada', record);
      assert.deepEqual((await store.load('ada')).user, record.user);
    }
  } finally {
    await redis.stop();
  }
});

(transport.native ? () => {} : test)('a name whose first address is dead is connected to all the same', async () => {
  const redis = await Redis.start();
  // A listener whose backlog is full drops whatever comes: it is asleep, so it accepts nothing.
  const script = `require('net').createServer().listen({ host: '127.0.0.2', port: ${redis.port}, backlog: 1 }, () => process.send('ready'))`;
  const hole = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const waiting = [];
  const lookup = dns.lookup;
  try {
    await once(hole, 'message');
    hole.kill('SIGSTOP');
    for (;;) {
      const socket = net.connect(redis.port, '127.0.0.2');
      waiting.push(socket);
      socket.on('error', () => {});
      // The system connects without the listener, and at once; we may be told of it late.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await new Promise((resolve) => setImmediate(resolve));
      if (socket.connecting) break;
    }
    dns.lookup = (_host, options, found) => {
      const all = ['127.0.0.2', '127.0.0.1'].map((address) => ({ address, family: 4 }));
      if (options.all) found(null, all);
      else found(null, all[0].address, 4);
    };
    const store = new StateStore({ connectionString: `redis://redis.internal:${redis.port}` });
    await store.save('ada', record);
    assert.deepEqual((await store.load('ada')).user, record.user);
  } finally {
    dns.lookup = lookup;
    for (const socket of waiting) socket.destroy();
    hole.kill('SIGKILL');
    await redis.stop();
  }
});
