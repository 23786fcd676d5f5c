// Behind real Sentinels: which server is written to, and what is there after a switch. With either connection.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { after, before, describe, test } = require('node:test');

const { RedisDb, StateStore } = require('..');
const { certificates } = require('./support/certificates');
const { serve } = require('./support/hostile-server');
const { appWith, say } = require('./support/jovo');
const { Proxy } = require('./support/proxy');
const { LIMIT_MS, randomWrites } = require('./support/random-writes');
const { Client, PATIENCE_MS, Redis, freePort, until } = require('./support/redis');
const { Saves } = require('./support/saves');
const { Sentinels } = require('./support/sentinels');

const record = { user: { data: { name: 'Ada' } } };
const isMaster = async (redis) => (await redis.ask('INFO', 'replication')).includes('role:master');

/** Runs a test with Sentinels of its own, whose master it may lose. */
async function withSentinels(action) {
  const sentinels = await Sentinels.start();
  const store = new StateStore(sentinels.options);
  try {
    await action(sentinels, store);
  } finally {
    await store.close().catch(() => {});
    await sentinels.stop();
  }
}

// Each has servers of its own, and mostly waits.
describe('with servers of its own', { concurrency: true }, () => {
  test('a master that is killed is followed by the new one, and every confirmed save is there', () =>
    withSentinels(async (sentinels, store) => {
      const earlier = new Saves(store);
      await earlier.progress(20);
      await earlier.stop();
      // What was confirmed until now is at the replica; what it has not got is lost with a master, whoever wrote it.
      await sentinels.master.replicated();
      const saves = new Saves(store, earlier);
      await sentinels.master.kill();
      // One Sentinel is gone as well.
      sentinels.sentinels[0].child.kill('SIGKILL');
      await sentinels.switched();
      await saves.progress(50);
      await saves.stop();
      await saves.check();
      assert.ok(saves.users.some(({ failed }) => failed > 0), 'there was no master for a while');
    }));

  test('a master that freezes brings nothing back, and calls that are not repeated end as uncertain', () =>
    withSentinels(async (sentinels, store) => {
      const saves = new Saves(store);
      await saves.progress(20);
      const known = await store.load('user-0');
      const turns = new StateStore({ ...sentinels.options, historyList: { id: 'turns', size: 10 } });
      await turns.appendHistory('ada', [1]);
      sentinels.master.child.kill('SIGSTOP');
      const calls = [assert.rejects(turns.appendHistory('ada', [2]), { code: 'KENWELL_UNCERTAIN' }), assert.rejects(store.saveIfUnchanged('user-0', known))];
      await Promise.all([...calls, sentinels.switched()]);
      await saves.progress(50);
      sentinels.master.child.kill('SIGCONT');
      await until(async () => (await sentinels.master.ask('INFO', 'replication')).includes('master_link_status:up'));
      await saves.progress(20);
      await saves.stop();
      await saves.check();
      const direct = new StateStore({ connectionString: sentinels.replica.url });
      await saves.check(direct);
    }));

  test('a switch that an operator asks for is followed before the old master knows', () =>
    withSentinels(async (sentinels, store) => {
      const saves = new Saves(store);
      await saves.progress(20);
      // Sentinels tell it within seconds, and close the connections to it: not before we have looked.
      await sentinels.master.ask('ACL', 'SETUSER', 'default', '-slaveof', '-replicaof');
      await until(async () => (await sentinels.askAll('SENTINEL', 'FAILOVER', 'mymaster')).includes('OK'));
      await until(() => isMaster(sentinels.replica));
      const there = () => sentinels.replica.ask('GET', 'data:user-0');
      let was;
      await until(async () => (was = await there()) !== null);
      await until(async () => (await there()) !== was);
      assert.ok(await isMaster(sentinels.master), 'the old master had to tell us');
      await sentinels.master.ask('ACL', 'SETUSER', 'default', '+slaveof', '+replicaof');
      await until(async () => !(await isMaster(sentinels.master)));
      await saves.progress(20);
      await saves.stop();
      await saves.check(new StateStore({ connectionString: sentinels.replica.url }));
    }));

  test('Sentinels and servers that speak TLS', async () => {
    const made = certificates('localhost');
    const secure = await Sentinels.start([], made);
    try {
      const { ca } = made;
      await new StateStore({ ...secure.patientOptions, tls: { ca } }).save('ada', record);
      await assert.rejects(new StateStore({ ...secure.patientOptions, tls: true }).load('ada'), { code: 'KENWELL_TLS' });
      assert.match(await secure.master.ask('GET', 'data:ada'), /Ada/);
    } finally {
      await secure.stop();
      made.remove();
    }
  });
});

let all;
before(async () => {
  all = await Sentinels.start(['user watcher on >secret ~* &* +@all']);
});
after(() => all.stop());

test('Sentinels have users and passwords of their own', async () => {
  await all.askAll('ACL', 'SETUSER', 'default', 'resetpass', '>sesame');
  try {
    const store = (login) => new StateStore({ ...all.patientOptions, sentinel: { ...all.patientOptions.sentinel, ...login } });
    await store({ password: 'sesame' }).save('ada', record);
    await store({ username: 'watcher', password: 'secret' }).save('ada', record);
    await assert.rejects(store({ password: 'SECRET' }).load('ada'), (error) => {
      assert.deepEqual([error.code, error.redisCode], ['KENWELL_REFUSED', 'WRONGPASS']);
      assert.match(error.message, /sentinel\.password/);
      assert.ok(!error.message.includes('SECRET'));
      return true;
    });
    await assert.rejects(store({}).load('ada'), { code: 'KENWELL_REFUSED', redisCode: 'NOAUTH', message: /sentinel\.password/ });
  } finally {
    await Promise.all(all.sentinels.map(async ({ port }) => {
      const client = await Client.connect(port);
      await client.ask('AUTH', 'sesame');
      await client.ask('ACL', 'SETUSER', 'default', 'nopass');
      client.close();
    }));
  }
});

test('what is no Sentinel, no master, or a master of another name is said to be just that', async () => {
  const sentinel = (more) => new StateStore({ ...all.patientOptions, sentinel: { ...all.patientOptions.sentinel, ...more } });
  await assert.rejects(sentinel({ nodes: [`127.0.0.1:${all.master.port}`] }).load('ada'), { code: 'KENWELL_SETTINGS', message: /this is a Redis server, but sentinel\.master is set; give the addresses of the Sentinels, usually port 26379/ });
  await assert.rejects(sentinel({ master: 'other' }).load('ada'), { code: 'KENWELL_SETTINGS', message: /no master is called other; .?sentinel.master/ });
  // One Sentinel that is not there is passed over, and when none is, that is told.
  const nobody = `127.0.0.1:${await freePort()}`;
  await sentinel({ nodes: [nobody, ...all.nodes] }).save('ada', record);
  await assert.rejects(sentinel({ nodes: [nobody] }).load('ada'), { code: 'KENWELL_CONNECTION', systemCode: 'ECONNREFUSED', message: new RegExp(nobody) });
  assert.throws(() => sentinel({ nodes: ['10.0.0.1'] }), { code: 'KENWELL_SETTINGS', message: /host:port/ });
});

test('the master of a cluster behind Sentinels is refused with what to set', async () => {
  const node = await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]);
  try {
    const store = new StateStore({ ...all.patientOptions, addressMap: { [`127.0.0.1:${all.port}`]: `127.0.0.1:${node.port}` } });
    await assert.rejects(store.load('ada'), { code: 'KENWELL_SETTINGS', message: /the Sentinels lead to a Redis Cluster; set cluster: true/ });
  } finally {
    await node.stop();
  }
});

test('an address that leads nowhere from here is named with its origin, and mapped', async () => {
  const nobody = await freePort();
  const here = `127.0.0.1:${all.port}`;
  const lost = new StateStore({ ...all.patientOptions, addressMap: { [here]: `127.0.0.1:${nobody}` } });
  await assert.rejects(lost.load('ada'), { code: 'KENWELL_CONNECTION', message: new RegExp(`127.0.0.1:${nobody}.*the Sentinels named this address.*addressMap`) });
  await new StateStore({ ...all.patientOptions, addressMap: { [here]: `localhost:${all.port}` } }).save('ada', record);
});

test('a replica is not written to, whatever the Sentinels say', async () => {
  const store = new StateStore({ ...all.patientOptions, addressMap: { [`127.0.0.1:${all.port}`]: `127.0.0.1:${all.replica.port}` } });
  await assert.rejects(store.save('ada', record), { code: 'KENWELL_CONNECTION', retryable: true, message: /should be the master, but is a replica/ });
  // On a connection that is open the server itself refuses, and the next call asks again.
  const open = new StateStore(all.patientOptions);
  await open.save('ada', record);
  await all.master.ask('REPLICAOF', '127.0.0.1', await freePort());
  try {
    await assert.rejects(open.save('ada', record), { code: 'KENWELL_REFUSED', redisCode: 'READONLY', retryable: true });
    await assert.rejects(open.save('ada', record), { code: 'KENWELL_CONNECTION', retryable: true });
  } finally {
    await all.master.ask('REPLICAOF', 'NO', 'ONE');
  }
  await open.save('ada', record);
});

test('random saves and deletes over a random network before the master: the last that was confirmed, or a newer one, is stored', async () => {
  await all.master.ask('FLUSHALL');
  const proxy = await Proxy.start(all.master.port);
  try {
    const store = new StateStore({ ...all.patientOptions, addressMap: { [`127.0.0.1:${all.port}`]: proxy.url.replace('redis://', '') }, connectTimeoutMs: LIMIT_MS, commandTimeoutMs: LIMIT_MS });
    await randomWrites(store, { redis: all.master, proxy, calls: 600 });
  } finally {
    proxy.close();
    await all.master.ask('FLUSHALL');
  }
});

test('a server that becomes master again first forgets what was sent to it before', async () => {
  let named = all.master.port;
  const sentinel = await serve(() => [`*2\r\n$9\r\n127.0.0.1\r\n$${String(named).length}\r\n${named}\r\n`]);
  const proxy = await Proxy.start(all.master.port);
  const other = await Redis.start();
  try {
    const nodes = [sentinel.connectionString.replace('redis://', '')];
    const store = new StateStore({ connectionString: 'redis://unused', sentinel: { master: 'mymaster', nodes }, addressMap: { [`127.0.0.1:${named}`]: proxy.url.replace('redis://', '') }, connectTimeoutMs: 3000, commandTimeoutMs: 3000 });
    const save = (data) => store.save('eve', { user: { data } });
    const data = async (redis) => JSON.parse(await redis.ask('GET', 'data:eve'))?.user.data;
    await save('before');
    proxy.set('hold', 'up');
    await assert.rejects(save('old'), { code: 'KENWELL_TIMEOUT' });
    named = other.port;
    await until(() => save('elsewhere').then(async () => (await data(other)) === 'elsewhere'));
    named = all.master.port;
    await until(() => save('new').then(async () => (await data(all.master)) === 'new'));
    proxy.release();
    for (let count = 0; count < 10; count++) await all.master.ask('PING');
    assert.equal(await data(all.master), 'new');
    assert.equal((await store.load('eve')).user.data, 'new');
  } finally {
    proxy.close();
    sentinel.close();
    await other.stop();
  }
});

test('Jovo\'s plugin saves and loads behind Sentinels', async () => {
  const app = await appWith(new RedisDb({ ...all.patientOptions, keyPrefix: 'bot', skipTests: false }));
  let visits;
  for (let visit = 0; visit < 3; visit++) await say(app, 'ada', ({ $user }) => { visits = $user.data.visits = ($user.data.visits ?? 0) + 1; });
  assert.equal(visits, 3);
});

test('a program ends although its connections to the Sentinels and the master are open', () => {
  const program = `new (require('./state').StateStore)(${JSON.stringify(all.patientOptions)}).save('ada', {}).then(() => console.log('saved'))`;
  assert.equal(execFileSync(process.execPath, ['-e', program], { cwd: `${__dirname}/..`, encoding: 'utf8', timeout: PATIENCE_MS }), 'saved\n');
});
