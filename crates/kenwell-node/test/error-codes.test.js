// What goes wrong has the same codes through both connections and in the Rust library: conformance/state-errors.json, which
// crates/kenwell/tests/state/error_codes.rs reads too. Each case is provoked with a Redis of its own, or with answers that
// no Redis gives.
'use strict';

const assert = require('node:assert/strict');
const os = require('node:os');
const { test } = require('node:test');
const { inspect } = require('node:util');

const { StateStore } = require('../state');
const cases = require('../../../conformance/state-errors.json');
const { serve } = require('./support/hostile-server');
const { Redis } = require('./support/redis');

/** An address of this machine that servers do not take for the machine itself. */
const outside = Object.values(os.networkInterfaces()).flat().find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

/** Starts what a case is about: where it is, and how it is stopped. */
async function start({ server = [], setup = [], login = '', host, path = '', answers }) {
  if (answers !== undefined) {
    const { connectionString, close } = await serve((command) => [answers[command] ?? '-ERR unknown command\r\n']);
    return { connectionString, stop: close };
  }
  const redis = await Redis.start(server);
  for (const command of setup) await redis.ask(...command);
  return { connectionString: `redis://${login}${host === 'outside' ? outside : '127.0.0.1'}:${redis.port}${path}`, stop: () => redis.stop() };
}

for (const given of cases) {
  const { name, login = '', host, entries = ['data'], call = 'load', code, redisCode, retryable } = given;
  const skip = host === 'outside' && outside === undefined ? 'this machine has no address but its own' : false;
  test(name, { skip }, async () => {
    const { connectionString, stop } = await start(given);
    try {
      const store = new StateStore({ connectionString, entries: entries.map((id) => ({ id, user: true })) });
      const error = await store[call]('ada', {}).catch((caught) => caught);
      assert.deepEqual({ code: error.code, redisCode: error.redisCode, retryable: error.retryable }, { code, redisCode, retryable }, inspect(error));
      assert.ok(!inspect(error).includes('right') || !login.includes('right'), 'no password is shown');
    } finally {
      await stop();
    }
  });
}

test('a password is taken where one is needed, and where none is', async () => {
  for (const args of [['--requirepass', 'p@ss'], []]) {
    const redis = await Redis.start(args);
    try {
      for (const user of ['', 'default']) assert.equal(await new StateStore({ connectionString: `redis://${user}:p%40ss@127.0.0.1:${redis.port}` }).load('ada'), null);
    } finally {
      await redis.stop();
    }
  }
});
