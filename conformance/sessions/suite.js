// The suite of a framework, from a clone of it in which its own packages are installed, with our store in the place of the one that it
// brings. The registry has these suites not, so that ./check cannot run them.
//
//   node suite.js express-session DIRECTORY     npm install there first
//   node suite.js fastify-session DIRECTORY     npm install there first
//   node suite.js grammy-storages DIRECTORY
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const { Redis } = require('../../crates/kenwell-node/test/support/redis');

const [kind, directory] = process.argv.slice(2);

/** How each suite is run. */
const RUNS = {
  'express-session': () => [['node_modules/mocha/bin/mocha.js', '--require', __filename, '--require', 'test/support/env', '--no-exit', '--exit', '--reporter', 'dot', 'test/session.js']],
  'fastify-session': () => [['--require', __filename, '--test', ...fs.readdirSync(path.join(directory, 'test')).filter((file) => file.endsWith('.test.js')).map((file) => `test/${file}`)]],
  'grammy-storages': () => [['--require', __filename, '--test', path.join(__dirname, 'support/grammy-storages.js')]],
};

/** Each store of the suite has sessions of its own. */
let stores = 0;
const optionsOfOne = () => ({ connectionString: process.env.SUITE_REDIS, prefix: `suite-${process.pid}-${(stores += 1)}:` });

/** In the process of the suite: puts our store where the suite takes its own from. */
function replace(suite, root) {
  const file = (name) => path.join(root, name);
  const load = Module._load;
  const stand = (test, make) => {
    const before = Module._load;
    let made;
    Module._load = function (request, parent, ...rest) {
      return test(request, parent) ? (made ??= make()) : before.call(this, request, parent, ...rest);
    };
  };
  if (suite === 'express-session') {
    stand((request) => request === 'express-session', () => ({ Store: load(file('session/store'), module) }));
    stand((request, parent) => request === './session/memory' && parent.filename === file('index.js'), ours);
  } else if (suite === 'fastify-session') {
    stand((request, parent) => request === './TestStore' && parent.filename.startsWith(file('test')), ours);
  }
}

function ours() {
  const { RedisStore } = require('../../crates/kenwell-node/express');
  return class extends RedisStore {
    constructor() {
      super(optionsOfOne());
    }
  };
}

async function main() {
  if (RUNS[kind] === undefined || directory === undefined) throw new Error('node suite.js express-session|fastify-session|grammy-storages DIRECTORY');
  const redis = await Redis.start();
  let failed = false;
  try {
    for (const args of RUNS[kind]()) {
      const env = { ...process.env, SUITE: kind, SUITE_DIRECTORY: path.resolve(directory), SUITE_REDIS: redis.url };
      failed ||= spawnSync(process.execPath, args, { cwd: directory, stdio: 'inherit', env }).status !== 0;
    }
  } finally {
    await redis.stop();
  }
  process.exit(failed ? 1 : 0);
}

if (process.env.SUITE) replace(process.env.SUITE, process.env.SUITE_DIRECTORY);
else main();
