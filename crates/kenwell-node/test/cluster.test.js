// A real Redis Cluster of several masters: where calls go, and what is there when slots move and masters are lost. With either
// connection.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { after, before, describe, test } = require('node:test');

const { RedisDb, StateStore } = require('..');
const { certificates } = require('./support/certificates');
const { Cluster } = require('./support/cluster');
const { appWith, say } = require('./support/jovo');
const { PATIENCE_MS, Redis, freePort, until } = require('./support/redis');
const { Saves } = require('./support/saves');

const PATIENT = { connectTimeoutMs: PATIENCE_MS, commandTimeoutMs: PATIENCE_MS };
const entries = [{ id: 'user', user: true }, { id: 'session', session: true }];
const tagged = (userId, entry) => `${entry.id}:{${userId}}`;
const recordOf = (number) => ({ user: { data: number }, session: { data: { number } } });

/** A master is lost while saves go on; `lose` says how, after what was confirmed has reached its replica. */
async function loseAMaster(lose, limits) {
  const cluster = await Cluster.start({ replicas: true, args: ['--cluster-require-full-coverage', 'no'] });
  const store = new StateStore({ ...cluster.options, ...limits });
  let saves = new Saves(store);
  try {
    await saves.progress(20);
    await saves.stop();
    await cluster.masters[0].replicated();
    await cluster.loseAfter(1000);
    saves = new Saves(store, saves);
    await lose(cluster);
    await until(async () => (await cluster.replicas[0].ask('INFO', 'replication')).includes('role:master'));
    await saves.progress(50);
    return { cluster, store, saves };
  } catch (error) {
    saves.going = false;
    await cluster.stop();
    throw error;
  }
}

describe('with servers of its own', { concurrency: true }, () => {
  test('a master that is killed is followed by its replica, and every confirmed save is there', async () => {
    const { cluster, store, saves } = await loseAMaster((lost) => lost.masters[0].kill(), PATIENT);
    try {
      await saves.stop();
      await saves.check();
      assert.ok(saves.users.some(({ failed }) => failed > 0), 'no user was at the master that is gone');
      assert.ok(saves.users.some(({ failed }) => failed === 0), 'the others were held up');
      await store.close();
    } finally {
      await cluster.stop();
    }
  });

  test('a master that freezes brings nothing back', async () => {
    const { cluster, saves } = await loseAMaster((lost) => lost.masters[0].child.kill('SIGSTOP'), { connectTimeoutMs: 3000, commandTimeoutMs: 3000 });
    try {
      cluster.masters[0].child.kill('SIGCONT');
      await until(async () => (await cluster.masters[0].ask('INFO', 'replication')).includes('master_link_status:up'));
      await saves.progress(20);
      await saves.stop();
      await saves.check();
      await saves.check(new StateStore({ ...cluster.options, ...PATIENT }));
    } finally {
      saves.going = false;
      await cluster.stop();
    }
  });

  test('nodes that speak TLS and want a password', async () => {
    const made = certificates('localhost');
    const { ca, cert, key } = made;
    const port = await freePort();
    const node = await Redis.start(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', String(await freePort()), '--tls-cluster', 'yes', '--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca, '--tls-auth-clients', 'no']);
    try {
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
      await node.ask('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all');
      await node.ask('ACL', 'SETUSER', 'default', '-@all', '+ping');
      const open = (login, tls) => new StateStore({ connectionString: `rediss://${login}127.0.0.1:${port}`, cluster: true, tls, ...PATIENT });
      await until(() => open('app:secret@', { ca }).save('ada', recordOf(1)).then(() => true));
      assert.equal((await open('app:secret@', { ca }).load('ada')).user.data, 1);
      await assert.rejects(open('app:SECRET@', { ca }).load('ada'), (error) => error.code === 'KENWELL_REFUSED' && error.redisCode === 'WRONGPASS' && !error.message.includes('SECRET'));
      await assert.rejects(open('app:secret@', undefined).load('ada'), { code: 'KENWELL_TLS' });
    } finally {
      await node.stop();
      made.remove();
    }
  });
});

let cluster;
before(async () => {
  cluster = await Cluster.start({ args: ['--cluster-require-full-coverage', 'no'] });
});
after(() => cluster.stop());

test('users of all slots are saved, loaded, changed and deleted', async () => {
  const store = new StateStore({ ...cluster.options, ...PATIENT, entries, profile: { prefix: 'p' } });
  const users = Array.from({ length: 100 }, (_, index) => `user-${index}`);
  await Promise.all(users.map((user, index) => store.save(user, recordOf(index))));
  for (const master of cluster.masters) assert.ok((await master.ask('DBSIZE')) > 20);
  const loaded = await store.loadMany(users);
  for (const [index, record] of loaded.entries()) assert.deepEqual(record, recordOf(index));
  const { from } = await cluster.holder('p:user:user-7');
  await from.ask('HSET', 'p:user:user-7', 'plan', 'pro');
  assert.equal((await store.load('user-7')).profile.plan, 'pro');
  await Promise.all(users.map(async (user) => assert.equal(await store.delete(user), true)));
  assert.deepEqual(await store.loadMany(users.slice(10)), users.slice(10).map(() => null));
  await from.ask('DEL', 'p:user:user-7');
});

test('what a node refuses is refused for that entry, and times to live begin anew at each node', async () => {
  const store = new StateStore({ ...cluster.options, ...PATIENT, entries: entries.map((entry) => ({ ...entry, ttlSeconds: 100 })), refreshOnLoad: true });
  await store.save('ada', recordOf(1), { ttlSeconds: 1000 });
  const { from } = await cluster.holder('session:ada');
  await store.load('ada');
  assert.ok((await from.ask('TTL', 'session:ada')) <= 100);
  await from.ask('DEL', 'session:ada');
  await from.ask('LPUSH', 'session:ada', 1);
  await assert.rejects(store.load('ada'), { code: 'KENWELL_REFUSED', redisCode: 'WRONGTYPE', entry: 'session', key: 'session:ada', retryable: false });
  assert.equal(await store.delete('ada'), true);
});

test('a comparison of entries in several slots is refused before anything is sent', async () => {
  const store = new StateStore({ ...cluster.options, ...PATIENT, entries });
  await assert.rejects(store.saveIfUnchanged('ada', recordOf(1)), { code: 'KENWELL_SETTINGS', message: /^entry 1 \(key .session:ada.\): its slot differs from that of the keys before, and a cluster cannot compare and save keys of different slots in one step; put the same `\{hash tag\}` into all of them$/ });
  assert.equal(await store.load('ada'), null);
});

test('slots that move while calls go on give no error and lose nothing', async () => {
  const store = new StateStore({ ...cluster.options, ...PATIENT });
  const saves = new Saves(store);
  const both = new StateStore({ ...cluster.options, ...PATIENT, entries, onCreateKey: tagged });
  let going = true;
  let updates = 0;
  const updating = (async () => {
    for (; going; updates++) await both.update('ada', (record) => recordOf((record.session?.data.number ?? 0) + 1)).catch((error) => {
      // While its keys are on both sides a script cannot be executed.
      if (error.redisCode !== 'TRYAGAIN') throw error;
      updates -= 1;
    });
  })();
  try {
    for (const user of ['user-0', 'user-1', 'user-2']) {
      const { from } = await cluster.holder(`data:${user}`);
      const to = cluster.masters.find((master) => master !== from);
      const move = await cluster.beginToMove(`data:${user}`, to);
      await saves.progress(5);
      await move.moveKeys();
      await saves.progress(5);
      await move.finish();
      await saves.progress(5);
    }
    const { from } = await cluster.holder('user:{ada}');
    const move = await cluster.beginToMove('user:{ada}', cluster.masters.find((master) => master !== from));
    await move.finish();
    await saves.progress(5);
    going = false;
    await updating;
    await saves.stop();
    assert.deepEqual([...saves.failures], []);
    await saves.check();
    assert.equal((await both.load('ada')).session.data.number, updates);
  } finally {
    going = false;
    saves.going = false;
    await updating.catch(() => {});
    await saves.ended;
  }
});

test('while a slot moves, the entries of a user are on both sides, and are found', async () => {
  const key = (userId, entry) => `${entry.id}:{between}${userId}`;
  const store = new StateStore({ ...cluster.options, ...PATIENT, entries, onCreateKey: key });
  await store.save('ada', recordOf(1));
  const { from, slot } = await cluster.holder('{between}');
  const to = cluster.masters.find((master) => master !== from);
  const move = await cluster.beginToMove('{between}', to);
  await from.ask('MIGRATE', '127.0.0.1', to.port, 'user:{between}ada', 0, 60_000);
  assert.deepEqual(await store.load('ada'), recordOf(1));
  await store.save('ada', recordOf(2));
  assert.deepEqual(await store.load('ada'), recordOf(2));
  // Nothing is stored of this one yet: it goes to the new side.
  await store.save('bob', recordOf(3));
  assert.deepEqual(await store.load('bob'), recordOf(3));
  assert.ok((await to.ask('CLUSTER', 'COUNTKEYSINSLOT', slot)) > 1);
  await move.finish();
  assert.deepEqual(await store.load('ada'), recordOf(2));
  assert.equal(await store.delete('ada'), true);
});

test('a server of another kind, and a combination that cannot be, are said to be just that', async () => {
  const alone = await Redis.start();
  try {
    await assert.rejects(new StateStore({ connectionString: alone.url, cluster: true }).load('ada'), { code: 'KENWELL_SETTINGS', message: /this is a standalone server, but cluster is true; set cluster: false/ });
  } finally {
    await alone.stop();
  }
  for (const [more, says] of [
    [{ connectionString: 'redis://h/5', cluster: true }, /database 0/],
    [{ cluster: true, sentinel: { master: 'm' } }, /no Sentinels/],
    [{ cluster: { nodes: ['h'] } }, /host:port/],
    [{ cluster: { nodes: Array.from({ length: 65 }, () => 'h:1') } }, /64/],
  ]) {
    assert.throws(() => new StateStore({ connectionString: 'redis://h', ...more }), { code: 'KENWELL_SETTINGS', message: says });
  }
  const nobody = `127.0.0.1:${await freePort()}`;
  await assert.rejects(new StateStore({ connectionString: `redis://${nobody}`, cluster: true }).load('ada'), { code: 'KENWELL_CONNECTION', systemCode: 'ECONNREFUSED', message: new RegExp(nobody) });
  const without = await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())]);
  try {
    await assert.rejects(new StateStore({ connectionString: without.url, cluster: true }).load('ada'), { code: 'KENWELL_REFUSED', redisCode: 'CLUSTERDOWN', retryable: true });
  } finally {
    await without.stop();
  }
});

test('Jovo\'s plugin saves and loads in a cluster', async () => {
  const app = await appWith(new RedisDb({ ...cluster.options, ...PATIENT, keyPrefix: 'bot', skipTests: false }));
  let visits;
  for (let visit = 0; visit < 3; visit++) await say(app, 'ada', ({ $user }) => { visits = $user.data.visits = ($user.data.visits ?? 0) + 1; });
  assert.equal(visits, 3);
});

test('a program ends although its connections to the nodes are open', () => {
  const program = `const store = new (require('./state').StateStore)(${JSON.stringify(cluster.options)});
    Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((user) => store.save(user, {}))).then(() => console.log('saved'))`;
  assert.equal(execFileSync(process.execPath, ['-e', program], { cwd: `${__dirname}/..`, encoding: 'utf8', timeout: PATIENCE_MS }), 'saved\n');
});

test('a node that is gone for good fails its own users alone', async () => {
  const store = new StateStore({ ...cluster.options, ...PATIENT, entries: [{ id: 'data', user: true }] });
  const users = Array.from({ length: 30 }, (_, index) => `user-${index}`);
  await Promise.all(users.map((user) => store.save(user, recordOf(1))));
  const its = new Set(await cluster.masters[2].ask('KEYS', 'data:user-*'));
  await cluster.masters[2].kill();
  const results = await Promise.allSettled(users.map((user) => store.load(user)));
  const lost = users.map((user) => its.has(`data:${user}`));
  assert.ok(lost.includes(true) && lost.includes(false));
  assert.deepEqual(results.map(({ status }) => status === 'rejected'), lost);
  for (const { reason } of results.filter(({ status }) => status === 'rejected')) assert.match(`${reason.code} ${reason.redisCode}`, /KENWELL_(CONNECTION|TIMEOUT) undefined|KENWELL_REFUSED CLUSTERDOWN/);
  await cluster.masters[2].restart();
});
