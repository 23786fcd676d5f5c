// The examples of Jovo's documentation run as written; test/types/docs.ts has them, with only the import changed.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { test } = require('node:test');

const esbuild = require('esbuild');

const { appWith, say } = require('./support/jovo');
const { sharedRedis } = require('./support/servers');

const examples = load(path.join(__dirname, 'types/docs.ts'));

const redis = sharedRedis();

/** A TypeScript file as a module, where `@kenwell/redis` is this package. */
function load(file) {
  const { code } = esbuild.transformSync(fs.readFileSync(file, 'utf8'), { loader: 'ts', format: 'cjs', target: 'node14' });
  const made = new Module(file, module);
  made.paths = module.paths;
  made.require = (name) => require(name === '@kenwell/redis' ? '..' : name);
  const wrapped = new Function('require', 'module', 'exports', code);
  wrapped(made.require, made, made.exports);
  return made.exports;
}

const keys = async () => (await redis.ask('KEYS', '*')).sort();

/** Two visits: the first leaves something, the second finds it. */
async function twoVisits(plugin) {
  const app = await appWith(plugin);
  await say(app, 'ada', (jovo) => (jovo.$user.data.name = 'Ada'));
  let name;
  await say(app, 'ada', (jovo) => (name = jovo.$user.data.name));
  assert.equal(name, 'Ada');
}

test('minimal configuration', async () => {
  await twoVisits(examples.simple(redis.url));
  assert.deepEqual(await keys(), ['myapp:data:ada']);
});

test('split entries', async () => {
  await twoVisits(examples.splitEntries(redis.url));
  assert.deepEqual(await keys(), ['history:ada', 'session:ada', 'user:ada']);
  assert.equal(await redis.ask('TTL', 'user:ada'), -1);
  assert.ok((await redis.ask('TTL', 'session:ada')) > 1100);
  const history = JSON.parse(await redis.ask('GET', 'history:ada')).history.items;
  assert.equal(history.length, 1);
  assert.deepEqual(Object.keys(history[0]), ['output']);
});

test('hashed key', async () => {
  await twoVisits(examples.hashedKey(redis.url));
  const hash = require('node:crypto').createHash('sha256').update('ada').digest('hex');
  assert.deepEqual(await keys(), [`myapp:data:${hash}`]);
});

test('session id in the key', async () => {
  await twoVisits(examples.sessionIdInKey(redis.url));
  assert.deepEqual(await keys(), ['session:session-1', 'user:ada']);
});

test('encrypt and decrypt hooks', async () => {
  await twoVisits(examples.encrypted(redis.url));
  assert.match(await redis.ask('GET', 'user:ada'), /^[A-Za-z0-9+/=]+$/);
  assert.match(await redis.ask('GET', 'times:ada'), /^\{"createdAt":/);
});
