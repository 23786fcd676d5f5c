// The process around it: it ends by itself, freezes and thaws, and has worker threads.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');

const { PATIENCE_MS } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const redis = sharedRedis();

const PACKAGE = JSON.stringify(require.resolve('../state'));
const store = () => `new (require(${PACKAGE}).StateStore)({ connectionString: ${JSON.stringify(redis.url)} })`;

/** Runs a program; the test fails when it has not ended by itself in time. */
function run(program) {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.lines = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (child.lines += text));
  child.ended = once(child, 'close').then(([code, signal]) => ({ code, signal, lines: child.lines }));
  const limit = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.ended.finally(() => clearTimeout(limit));
  return child;
}

test('a program ends although its connection is open', async () => {
  const { code, lines } = await run(`${store()}.save('ada', {}).then(() => console.log('saved'))`).ended;
  assert.deepEqual([code, lines], [0, 'saved\n']);
});

test('a program that never used its store ends', async () => {
  assert.equal((await run(`${store()}`).ended).code, 0);
});

test('a call that waits for its answer keeps the program alive', async () => {
  // Nothing else does: without the answer there would be no output.
  const { lines } = await run(`${store()}.load('ada').then((record) => console.log(record !== undefined))`).ended;
  assert.equal(lines, 'true\n');
});

test('a callback that waits for an empty event loop, as in Lambda, is called', async () => {
  const { code, lines } = await run(`
    const store = ${store()};
    const handler = (event, context, callback) => store.save(event, {}).then(() => store.load(event)).then((record) => callback(null, record.updatedAt));
    let answer;
    handler('ada', {}, (error, text) => { answer = text; });
    process.on('beforeExit', () => { console.log(typeof answer); });
  `).ended;
  assert.deepEqual([code, lines], [0, 'string\n']);
});

test('a process that was frozen while its connection was closed goes on', async () => {
  const child = run(`
    const store = ${store()};
    process.stdin.on('data', () => store.load('ada').then((record) => console.log(record.user.data), (error) => console.log(error.code)));
    store.save('ada', { user: { data: 'here' } }).then(() => console.log('saved'));
  `);
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  assert.equal(await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'), 1);
  child.kill('SIGCONT');
  child.stdin.end('go\n');
  assert.equal((await child.ended).lines, 'saved\nhere\n');
});

test('worker threads have connections of their own, and may end at any time', async () => {
  const working = `
    const { parentPort } = require('worker_threads');
    const store = ${store()};
    store.save('worker', { user: { data: 1 } }).then(() => store.load('worker')).then((record) => parentPort.postMessage(record.user.data));
  `;
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(working, { eval: true });
    // Both at once: a worker's last message and its exit may come in the same turn.
    const [[data]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    assert.equal(data, 1);
    // In the middle of its work.
    const other = new Worker(`const store = ${store()}; for (let i = 0; i < 100; i++) store.load('worker');`, { eval: true });
    await once(other, 'online');
    await other.terminate();
  }
});
