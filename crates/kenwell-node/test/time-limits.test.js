// A call takes as long as it promises, once: also over a network that swallows, with fake timers, and in a process that
// stood still.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mock, test } = require('node:test');

const { StateStore } = require('../state');
const { Proxy } = require('./support/proxy');
const { PATIENCE_MS, until } = require('./support/redis');
const { sharedNetwork } = require('./support/servers');

const { redis, proxy } = sharedNetwork();

const now = performance.now.bind(performance);
const PACKAGE = require.resolve('../state');
/** Longer than a connection may be silent before it is asked whether it is still there. */
const IDLE_MS = 3500;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long the call took, and its error or what it gave. */
async function timed(call) {
  const from = now();
  const outcome = await call().catch((error) => error);
  return { took: now() - from, outcome };
}

const CALLS = {
  load: (store, user) => store.load(user),
  save: (store, user) => store.save(user, {}),
  delete: (store, user) => store.delete(user),
  saveIfUnchanged: (store, user, record = { user: { data: 1 } }) => store.saveIfUnchanged(user, record),
};

test('the time limit is one, whatever a call waits for', async () => {
  const LIMIT = 6000;
  const limits = { connectTimeoutMs: 10 * LIMIT, commandTimeoutMs: LIMIT };
  const silent = await Proxy.start(redis.port);
  silent.treats = 'swallow';
  try {
    const connecting = Object.entries(CALLS).map(([name, call]) => [`${name}, connecting`, () => call(new StateStore({ connectionString: silent.url, ...limits }), name)]);
    // Each has a connection of its own. It breaks when most of the time is over, and the next one says nothing.
    const repeating = await Promise.all(
      Object.entries(CALLS).map(async ([name, call], index) => {
        const network = await Proxy.start(redis.port);
        const store = new StateStore({ connectionString: network.url, ...limits, connectTimeoutMs: 10 * LIMIT + index });
        await store.save(name, {});
        network.set('swallow');
        network.treats = 'swallow';
        return [`${name}, repeating`, () => Promise.all([call(store, name), pause(0.9 * LIMIT).then(() => network.cut())]).finally(() => network.close())];
      }),
    );
    await Promise.all(
      [...connecting, ...repeating].map(async ([name, call]) => {
        const { took, outcome } = await timed(call);
        assert.match(outcome.code, /^KENWELL_(TIMEOUT|UNCERTAIN)$/, `${name}: ${outcome}`);
        assert.ok(took < 1.7 * LIMIT, `${name} took ${took} ms`);
      }),
    );
  } finally {
    silent.close();
  }
});

test('a call whose time is over does not end others that are answered', async () => {
  const store = new StateStore({ connectionString: proxy.url, commandTimeoutMs: 1500 });
  await store.save('ada', { user: { data: 1 } });
  proxy.set('hold', 'down');
  const first = store.load('ada').catch((error) => error);
  await pause(1000);
  const second = store.load('ada');
  assert.equal((await first).code, 'KENWELL_TIMEOUT');
  proxy.release();
  assert.equal((await second).user.data, 1);
});

/** What a test may put into the place of the real ones: functions that do nothing. */
const FAKES = `
  const nothing = () => ({ ref() {}, unref() {} });
  const fakes = {
    setTimeout: [globalThis, 'setTimeout'], setInterval: [globalThis, 'setInterval'], setImmediate: [globalThis, 'setImmediate'],
    clearTimeout: [globalThis, 'clearTimeout'], queueMicrotask: [globalThis, 'queueMicrotask'], nextTick: [process, 'nextTick'],
    hrtime: [process, 'hrtime'], performance: [performance, 'now'], Date: [Date, 'now'],
  };
  const timers = require('timers');
  function fake(names) {
    const undo = names.flatMap((name) => [fakes[name], ...(name in timers && deep ? [[timers, name]] : [])]).map(([object, name]) => {
      const real = object[name];
      object[name] = name === 'now' || name === 'hrtime' ? () => 0 : nothing;
      return () => { object[name] = real; };
    });
    return () => undo.forEach((back) => back());
  }
`;

/** Runs a program; the test fails when it has not ended by itself in time. */
async function run(program) {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let lines = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (lines += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await once(child, 'close');
  clearTimeout(limit);
  return lines.trim().split('\n');
}

test('a call that begins while something is faked is answered, and on a silent server it ends', async () => {
  const silent = await Proxy.start(redis.port);
  silent.treats = 'swallow';
  try {
    const lines = await run(`
      const deep = true;
      ${FAKES}
      const { StateStore } = require(${JSON.stringify(PACKAGE)});
      const at = (url, more) => new StateStore({ connectionString: url, ...more });
      const warm = at(${JSON.stringify(redis.url)});
      let limit = 10_000;
      async function main() {
        await warm.save('warm', { user: { data: 1 } });
        for (const names of [...Object.keys(fakes).map((name) => [name]), Object.keys(fakes)]) {
          const cold = at(${JSON.stringify(redis.url)}, { commandTimeoutMs: ++limit });
          const named = at(${JSON.stringify(redis.url.replace('127.0.0.1', 'localhost'))}, { commandTimeoutMs: ++limit });
          const mute = at(${JSON.stringify(silent.url)}, { commandTimeoutMs: 300, connectTimeoutMs: ++limit });
          const slow = at(${JSON.stringify(redis.url)}, { commandTimeoutMs: ++limit - 9_700, onCreateKey: () => new Promise(() => {}) });
          const restore = fake(names);
          const calls = [warm, cold, named].flatMap((store) => [store.load('warm'), store.save('other', {}), store.delete('third')]);
          const results = await Promise.allSettled([...calls, mute.load('ada'), slow.load('ada')]);
          restore();
          console.log(names.join(), results.map(({ status, reason }) => (status === 'fulfilled' ? 'ok' : reason.code)).join());
        }
      }
      main();
    `);
    assert.equal(lines.length, 10);
    for (const line of lines) assert.match(line, /^[A-Za-z,]+ (ok,){9}KENWELL_TIMEOUT,KENWELL_TIMEOUT$/);
  } finally {
    silent.close();
  }
});

test('fakes that are there before the package is loaded, as with Jest, are not used either', async () => {
  const lines = await run(`
    const deep = false;
    ${FAKES}
    const restore = fake(['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'queueMicrotask', 'nextTick', 'Date']);
    const { StateStore } = require(${JSON.stringify(PACKAGE)});
    // The sockets of Node itself have the real ones, in Jest too.
    restore();
    setTimeout(() => {
      const store = new StateStore({ connectionString: ${JSON.stringify(redis.url)} });
      store.save('ada', { user: { data: 1 } }).then(() => store.load('ada')).then(({ user }) => console.log(user.data), (error) => console.log(error.message));
    }, 10);
  `);
  assert.deepEqual(lines, ['1']);
});

(mock?.timers ? test : test.skip)("node:test's own mock timers hold up no call", async () => {
  const store = new StateStore({ connectionString: proxy.url, commandTimeoutMs: 2000 });
  await store.save('ada', { user: { data: 1 } });
  mock.timers.enable();
  try {
    assert.equal((await store.load('ada')).user.data, 1);
    proxy.set('swallow');
    proxy.treats = 'swallow';
    await assert.rejects(store.load('ada'), { code: 'KENWELL_TIMEOUT' });
  } finally {
    mock.timers.reset();
  }
});

test('an event loop that was blocked for longer than the limit is no time-out', async () => {
  const store = new StateStore({ connectionString: redis.url, commandTimeoutMs: 800, connectTimeoutMs: 800 });
  const fresh = (limit) => new StateStore({ connectionString: redis.url, commandTimeoutMs: 800, connectTimeoutMs: limit });
  const block = () => {
    for (const until = now() + 2000; now() < until; );
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await store.save('ada', { user: { data: 'x'.repeat(300_000) } });
  for (const turns of [0, 1, 2, 5]) {
    const calls = [store.load('ada'), fresh(801 + turns).load('ada')];
    for (let left = turns; left > 0; left--) await turn();
    block();
    for (const record of await Promise.all(calls)) assert.equal(record.user.data.length, 300_000, `${turns} turns`);
  }
});

/** A program that loads when it is told, over the network of this test. */
async function reader(limit) {
  const child = spawn(process.execPath, ['-e', `
    const store = new (require(${JSON.stringify(PACKAGE)}).StateStore)({ connectionString: ${JSON.stringify(proxy.url)}, commandTimeoutMs: ${limit} });
    process.stdin.on('data', () => store.load('ada').then((record) => console.log(record.user.data), (error) => console.log(error.code)));
    store.save('ada', { user: { data: 'here' } }).then(() => console.log('saved'));
  `], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8');
  await once(child.stdout, 'data');
  return child;
}

test('an answer that came while the process was frozen is no time-out', async () => {
  const child = await reader(2000);
  try {
    for (let round = 0; round < 2; round++) {
      proxy.set('hold', 'down');
      child.stdin.write('go\n');
      await until(() => [...proxy.pairs].some(({ held }) => held.length > 0));
      child.kill('SIGSTOP');
      proxy.release();
      await pause(2500);
      const [line] = await Promise.all([once(child.stdout, 'data'), child.kill('SIGCONT')]);
      assert.deepEqual(line, ['here\n'], `round ${round}`);
    }
  } finally {
    child.kill('SIGKILL');
  }
});

test('a connection that the network has forgotten costs no time-out, and no error', async () => {
  await Promise.all(
    Object.entries(CALLS).map(async ([name, call]) => {
      const network = await Proxy.start(redis.port);
      try {
        const store = new StateStore({ connectionString: network.url, commandTimeoutMs: PATIENCE_MS, connectTimeoutMs: PATIENCE_MS });
        await store.save(name, { user: { data: 1 } });
        const record = await store.load(name);
        await pause(IDLE_MS);
        network.set('swallow');
        const { took, outcome } = await timed(() => call(store, name, record));
        assert.ok(!(outcome instanceof Error), `${name}: ${outcome}`);
        assert.ok(took < PATIENCE_MS / 2, `${name} took ${took} ms`);
        // Not a reason to have a second connection where one is in order.
        network.cut();
        await store.load(name);
        await pause(IDLE_MS);
        await store.load(name);
        await until(() => network.pairs.size === 1);
      } finally {
        network.close();
      }
    }),
  );
});
