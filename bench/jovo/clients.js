#!/usr/bin/env node
// The package's JavaScript connection and two client libraries with the same commands, in turns on the same Redis: each
// user reads its entries (GET) and writes them (SET … EX), several in one MULTI. Prints a table. See docs/adr/0020.
//
//   npm install --prefix DIRECTORY @redis/client@6 ioredis@6
//   node bench/jovo/clients.js --clients DIRECTORY [--seconds N] [--rounds N]
'use strict';

const { spawnSync } = require('child_process');
const { createRequire } = require('module');
const path = require('path');

const PACKAGE = path.join(__dirname, '../../crates/kenwell-node');
const KINDS = ['ours', '@redis/client', 'ioredis'];
const CASES = [64, 1].flatMap((users) => [1, 3].map((entries) => ({ users, entries })));
const WARM_UP_MS = 500;
const LIMIT_MS = 5000;
const TTL_SECONDS = 1200;

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
}

/** `read(keys)` gives texts, `write(keys, value)` writes the value under each. */
const clients = {
  async ours(url) {
    const { read } = require(`${PACKAGE}/lib/settings`);
    const { JavaScriptConnection } = require(`${PACKAGE}/lib/javascript-connection`);
    const connection = new JavaScriptConnection(read({ connectionString: url }));
    const end = () => performance.now() + LIMIT_MS;
    return {
      read: async (keys) => (await connection.fetch(keys, null, null, end())).values,
      write: (keys, value) => connection.store(keys.map((key) => ({ key, value, ttl: TTL_SECONDS })), end()),
    };
  },
  async '@redis/client'(url, find) {
    const client = find('@redis/client').createClient({ url, commandOptions: { timeout: LIMIT_MS } });
    await client.connect();
    return {
      read: async (keys) => (keys.length === 1 ? [await client.get(keys[0])] : keys.reduce((multi, key) => multi.get(key), client.multi()).exec()),
      write: (keys, value) => {
        const expiration = { EX: TTL_SECONDS };
        return keys.length === 1 ? client.set(keys[0], value, expiration) : keys.reduce((multi, key) => multi.set(key, value, expiration), client.multi()).exec();
      },
    };
  },
  async ioredis(url, find) {
    const client = new (find('ioredis').Redis)(url, { enableAutoPipelining: true, commandTimeout: LIMIT_MS });
    return {
      read: async (keys) => (keys.length === 1 ? [await client.get(keys[0])] : (await keys.reduce((multi, key) => multi.get(key), client.multi()).exec()).map(([, text]) => text)),
      write: (keys, value) => (keys.length === 1 ? client.set(keys[0], value, 'EX', TTL_SECONDS) : keys.reduce((multi, key) => multi.set(key, value, 'EX', TTL_SECONDS), client.multi()).exec()),
    };
  },
};

/** One measurement, in a process of its own. */
async function measure(kind, users, entries, url) {
  const client = await clients[kind](url, createRequire(path.resolve(option('clients'), 'of-the-clients.js')));
  const value = JSON.stringify({ data: { name: 'Ada Lovelace', visits: 42, list: Array.from({ length: 60 }, (_, index) => index * 7) } });
  let latencies = [];
  const visit = async (user) => {
    const keys = Array.from({ length: entries }, (_, entry) => `entry-${entry}:user-${user}`);
    await client.write(keys, value);
    for (;;) {
      const began = performance.now();
      const texts = await client.read(keys);
      if (texts.length !== entries || texts.some((text) => text !== value)) throw new Error('what was read is not what was written');
      await client.write(keys, value);
      latencies.push(performance.now() - began);
    }
  };
  for (let user = 0; user < users; user++) {
    visit(user).catch((error) => {
      console.error(error);
      process.exit(1);
    });
  }
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  latencies = [];
  const [began, processor] = [performance.now(), process.cpuUsage()];
  await new Promise((resolve) => setTimeout(resolve, Number(option('seconds', 2)) * 1000));
  const measured = latencies.sort((a, b) => a - b);
  const [seconds, { user, system }] = [(performance.now() - began) / 1000, process.cpuUsage(processor)];
  const pairs = measured.length;
  console.log(JSON.stringify({ pairs: pairs / seconds, p50: measured[pairs >> 1], p99: measured[Math.floor(pairs * 0.99)], cpu: (user + system) / pairs }));
  process.exit(0);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

async function main() {
  const { Redis } = require(`${PACKAGE}/test/support/redis`);
  const redis = await Redis.start();
  try {
    console.log('| users | entries | | pairs/s | p50 ms | p99 ms | CPU µs/pair |\n|--:|--:|---|--:|--:|--:|--:|');
    for (const { users, entries } of CASES) {
      const runs = Object.fromEntries(KINDS.map((kind) => [kind, []]));
      // In turns, so that whatever else the machine does falls on all of them.
      for (let round = 0; round < Number(option('rounds', 5)); round++) {
        for (const kind of KINDS) {
          const { stdout, stderr, status } = spawnSync(process.execPath, [__filename, 'measure', kind, users, entries, redis.url, ...process.argv.slice(2)], { encoding: 'utf8' });
          if (status !== 0) throw new Error(stderr);
          runs[kind].push(JSON.parse(stdout));
        }
      }
      for (const kind of KINDS) {
        const of = (field, digits) => median(runs[kind].map((run) => run[field])).toFixed(digits);
        console.log(`| ${users} | ${entries} | ${kind} | ${of('pairs', 0)} | ${of('p50', 2)} | ${of('p99', 2)} | ${of('cpu', 1)} |`);
      }
    }
  } finally {
    await redis.stop();
  }
}

const [word, kind, users, entries, url] = process.argv.slice(2);
if (word === 'measure') measure(kind, Number(users), Number(entries), url);
else main();
