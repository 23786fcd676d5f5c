// What can be written as a connection string, and that no part of it is ever shown.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { read } = require('../lib/settings');

const of = (connectionString, more = {}) => read({ connectionString, ...more });

test('the string that Azure shows says everything', () => {
  const azure = of('me.redis.cache.windows.net:6380,password=a+b/c=,ssl=True,abortConnect=False');
  assert.equal(azure.address, 'me.redis.cache.windows.net:6380');
  assert.equal(azure.password, 'a+b/c=');
  assert.ok(azure.tls);
  assert.deepEqual(of('me.redis.cache.windows.net,Password=a+b/c='), azure);
  const all = of('a:7, b,user=u,password=p,SSL=no,defaultDatabase=5,serviceName=m,sslHost=h,connectTimeout=5000');
  const { address, username, password, database, tls, sentinel } = all;
  assert.deepEqual([address, username, password, database, tls], ['a:7,b:6379', 'u', 'p', 5, null]);
  assert.equal(sentinel.master, 'm');
});

test('Valkey\'s URLs, and what other clients ask for in a query', () => {
  assert.deepEqual(of('valkey://:p@h/3'), of('redis://:p@h/3'));
  assert.deepEqual(of('valkeys://:p@h:1'), of('rediss://:p@h:1'));
  assert.equal(of('redis://h?db=4').database, 4);
  assert.equal(of('rediss://h:1?ssl_cert_reqs=none').tls.skipVerify, true);
  assert.equal(of('rediss://h:1?ssl_cert_reqs=CERT_NONE').tls.skipVerify, true);
  assert.equal(of('rediss://h:1?ssl_cert_reqs=required').tls.skipVerify, false);
  assert.equal(of('rediss://h:1?ssl_cert_reqs=none', { tls: { skipVerify: false } }).tls.skipVerify, false);
  assert.throws(() => of('rediss://h:1?ssl_ca_certs=/ca.pem'), /tls\.ca/);
  assert.throws(() => of('rediss://h:1?ssl_cert_reqs=maybe'), /tls\.skipVerify/);
});

test('what is pasted is never shown', () => {
  for (const paste of [
    'host:6379:SECRET',
    ':SECRET@host',
    'SECRET@host:6379',
    'user:SECRET@host:6379',
    'redis-cli -u redis://:SECRET@host:6379',
    'redis-cli -h host -p 6379 -a SECRET',
    'host:6380,password=SECRET,ssl=maybe',
    'host:6380,password=SECRET,pass=SECRET',
    'host:6380:SECRET,ssl=True',
    'host:6380,SECRET SECRET,ssl=True',
    'password=SECRET,host:6380',
    'SECRET',
    'redis://:SECRET%@host',
    'redis://:SECRET@host:port',
    'redis://:SECRET@host/five',
    'http://:SECRET@host',
  ]) {
    assert.throws(() => of(paste), (error) => {
      assert.equal(error.code, 'KENWELL_SETTINGS', paste);
      const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
      assert.ok(!shown.includes('SECRET'), `${paste}: ${shown}`);
      return true;
    });
  }
});
