#!/usr/bin/env node
// Load and save of user records: ours, Jovo's own plugin's logic, and one persistent JavaScript client, in turns on the
// same Redis. Prints a table of pairs a second, latencies and ratios.
//
//   node bench/jovo/run.js [--seconds N] [--rounds N]
//
// Needs `npm ci` and `npm run build` in crates/kenwell-node, and redis-server.
'use strict';

const { spawnSync } = require('child_process');
const path = require('path');

const { Redis } = require('../../crates/kenwell-node/test/support/redis');

const CASES = [64, 1].flatMap((users) => [1, 3].map((entries) => ({ users, entries })));
const KINDS = ['ours', 'client', 'peer'];

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

/** One measurement in a process of its own. */
function measure(kind, { users, entries }, url, seconds) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(__dirname, 'measure.js'), kind, users, entries, seconds, url], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

async function main() {
  const [seconds, rounds] = [option('seconds', 3), option('rounds', 5)];
  const redis = await Redis.start();
  try {
    console.log('| users | entries | | pairs/s | p50 ms | p99 ms | CPU µs/pair | ours, times |');
    console.log('|--:|--:|---|--:|--:|--:|--:|--:|');
    for (const each of CASES) {
      const runs = Object.fromEntries(KINDS.map((kind) => [kind, []]));
      // In turns, so that whatever else the machine does falls on all of them.
      for (let round = 0; round < rounds; round++) for (const kind of KINDS) runs[kind].push(measure(kind, each, redis.url, seconds));
      for (const kind of KINDS) {
        const of = (field, digits) => median(runs[kind].map((run) => run[field])).toFixed(digits);
        const ratio = median(runs.ours.map((run, round) => run.pairs / runs[kind][round].pairs));
        console.log(`| ${each.users} | ${each.entries} | ${kind} | ${of('pairs', 0)} | ${of('p50', 2)} | ${of('p99', 2)} | ${of('cpu', 1)} | ${kind === 'ours' ? '' : ratio.toFixed(2)} |`);
      }
    }
  } finally {
    await redis.stop();
  }
}

main();
