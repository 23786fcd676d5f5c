// The servers that the tests of one file share: they start before the first test and stop after the last one.
'use strict';

const { after, afterEach, before } = require('node:test');

const { Proxy } = require('./proxy');
const { Redis } = require('./redis');

/** A Redis that each test finds empty. */
function sharedRedis() {
  const redis = new Redis();
  before(() => redis.begin());
  afterEach(() => redis.ask('FLUSHALL'));
  after(() => redis.stop());
  return redis;
}

/** The same, and a network before it (`prepare(redis)` may give the server arguments) that each test finds in order. One hook each: several at the top of a file run at once. */
function sharedNetwork(prepare = async () => {}) {
  const redis = new Redis();
  const proxy = new Proxy();
  before(async () => {
    await prepare(redis);
    await redis.begin();
    await proxy.begin(redis.port);
  });
  afterEach(async () => {
    proxy.treats = 'pass';
    proxy.cut();
    // What the network has held back is lost by now, and comes no more.
    await redis.ask('FLUSHALL');
  });
  after(async () => {
    proxy.close();
    await redis.stop();
  });
  return { redis, proxy };
}

module.exports = { sharedNetwork, sharedRedis };
