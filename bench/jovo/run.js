#!/usr/bin/env node
// Load and save of user records, in turns on the same Redis: ours, ours through the native part, today's clients with the
// same commands, and with --peer a connection for each call, as Jovo's own plugin has it. Prints a table.
//
//   node bench/jovo/run.js [--seconds N] [--rounds N] [--peer]
//
// Needs Linux, redis-server, and `npm ci` and `npm run build` in crates/kenwell-node; installs the clients itself.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const { Redis } = require('../../crates/kenwell-node/test/support/redis');

const CASES = [64, 1].flatMap((users) => [1, 3].map((entries) => ({ users, entries })));
const CLIENTS = ['@redis/client', 'ioredis', 'valkey-glide'];
const KINDS = ['ours', 'ours, native', ...CLIENTS, ...(process.argv.includes('--peer') ? ['a connection for each call'] : [])];

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

function install() {
  if (fs.existsSync(path.join(__dirname, 'node_modules'))) return;
  const { status } = spawnSync('npm', ['ci', '--silent'], { cwd: __dirname, stdio: 'inherit' });
  if (status !== 0) throw new Error('the clients could not be installed: npm ci in bench/jovo');
}

/** One measurement in a process of its own. */
function measure(kind, { users, entries }, url, seconds) {
  const env = { ...process.env, KENWELL_NATIVE: kind === 'ours, native' ? 'on' : '' };
  const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(__dirname, 'measure.js'), kind, users, entries, seconds, url], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** Ours, as often as the fastest of the clients: the median over the rounds. */
function ratioToFastest(runs, rounds) {
  const ratios = Array.from({ length: rounds }, (_, round) => runs.ours[round].pairs / Math.max(...CLIENTS.map((kind) => runs[kind][round].pairs)));
  return median(ratios).toFixed(2);
}

async function main() {
  const [seconds, rounds] = [option('seconds', 3), option('rounds', 5)];
  install();
  const redis = await Redis.start();
  try {
    console.log('| users | entries | | pairs/s | p50 ms | p99 ms | CPU µs/pair | of that JavaScript | sleeps/pair | ours, times |');
    console.log('|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|');
    for (const each of CASES) {
      const runs = Object.fromEntries(KINDS.map((kind) => [kind, []]));
      // In turns, so that whatever else the machine does falls on all of them.
      for (let round = 0; round < rounds; round++) for (const kind of KINDS) runs[kind].push(measure(kind, each, redis.url, seconds));
      for (const kind of KINDS) {
        const of = (field, digits) => median(runs[kind].map((run) => run[field])).toFixed(digits);
        const ratio = median(runs.ours.map((run, round) => run.pairs / runs[kind][round].pairs));
        console.log(`| ${each.users} | ${each.entries} | ${kind} | ${of('pairs', 0)} | ${of('p50', 2)} | ${of('p99', 2)} | ${of('cpu', 1)} | ${of('script', 1)} | ${of('sleeps', 2)} | ${kind === 'ours' ? '' : ratio.toFixed(2)} |`);
      }
      console.log(`| ${each.users} | ${each.entries} | the fastest client of each round | | | | | | | ${ratioToFastest(runs, rounds)} |`);
    }
  } finally {
    await redis.stop();
  }
}

main();
