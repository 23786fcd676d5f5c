// What the tests share: a Redis, a cluster of one node, a registry, empty directories, and programs that use the store.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { serve } from './registry.mjs';

const require = createRequire(import.meta.url);
const { Redis, freePort, until } = require('../../../crates/kenwell-node/test/support/redis.js');

export const HERE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const CRATE = path.resolve(HERE, '../../crates/kenwell-node');
/** The longest that any program may take, on a busy machine too. */
const LIMIT_MS = 900_000;

/** What the program says when it has used both kinds of connection. */
export const NATIVE = 'standalone 1, cluster 1, native true';
/** The same without the native part, which it then names; JavaScript does without. */
export const WITHOUT_NATIVE = /^standalone 1, cluster 1, native false: .*@kenwell\/redis-linux-\w+-gnu is not installed/;

/** Saves and loads on a standalone server, which JavaScript does, and in a cluster, which the native part does where there is one. */
const PROGRAM = `
async function visits(options) {
  const store = new StateStore(options);
  await store.save('ada', { user: { data: { visits: 1 } } });
  return (await store.load('ada')).user.data.visits;
}

export async function main() {
  const standalone = await visits({ connectionString: process.env.REDIS_URL });
  const cluster = await visits({ connectionString: process.env.CLUSTER_URL, cluster: true }).catch((error) => error.code + ': ' + error.message);
  console.log('standalone ' + standalone + ', cluster ' + cluster + ', native ' + transport.native + (transport.native ? '' : ': ' + transport.problem));
}
`;

/** The same program as a CommonJS module, as an ES module, and in a worker thread. */
const FILES = {
  'app.cjs': `const { StateStore, transport } = require('@kenwell/redis/state');\n${PROGRAM.replace('export ', '')}\nmain();\n`,
  'app.mjs': `import process from 'node:process';\nimport { StateStore, transport } from '@kenwell/redis/state';\n${PROGRAM.replace('export ', '')}\nmain();\n`,
  'worker.cjs': `
const { Worker } = require('worker_threads');
for (const file of ['./app.cjs', './app.mjs']) {
  new Worker(require('path').join(__dirname, file)).on('error', (error) => { throw error; }).on('exit', (status) => { if (status !== 0) process.exitCode = status; });
}
`,
};

export class World {
  static async start() {
    const world = new World();
    world.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'world-'));
    world.redis = await Redis.start();
    const port = await freePort();
    world.cluster = await Redis.start(['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())], { port });
    await world.cluster.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
    await until(async () => (await world.cluster.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const made = path.join(world.directory, 'made');
    fs.mkdirSync(made);
    world.registry = await serve(process.env.KENWELL_PACKAGES, made, [path.join(CRATE, 'node_modules/@noble/ciphers')]);
    return world;
  }

  async stop() {
    this.registry.close();
    await Promise.all([this.redis.stop(), this.cluster.stop()]);
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** An empty directory with these files. */
  empty(name, files = {}) {
    const directory = path.join(this.directory, name);
    fs.mkdirSync(directory);
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, file), text);
    return directory;
  }

  /** A directory with the programs, where nothing is installed yet. */
  project(name, files = {}) {
    return this.empty(name, { 'package.json': '{"private":true}', ...FILES, ...files });
  }

  /** The same with @kenwell/redis, as npm installs it. */
  async installed(name, files = {}) {
    const directory = this.project(name, files);
    await this.run(directory, 'npm', ['install', '--no-audit', '--no-fund', '@kenwell/redis']);
    return directory;
  }

  /** Nothing of the person's own settings, caches and registries. */
  environment() {
    const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|yarn_|pnpm_|bun_|deno_|node_|kenwell_|ci$)/i.test(name)));
    const home = path.join(this.directory, 'home');
    return {
      ...kept,
      HOME: home,
      XDG_CACHE_HOME: path.join(home, 'cache'),
      DENO_DIR: path.join(home, 'deno'),
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      npm_config_registry: `${this.registry.url}/`,
      NPM_CONFIG_REGISTRY: `${this.registry.url}/`, // Deno's
      npm_config_update_notifier: 'false',
      REDIS_URL: this.redis.url,
      CLUSTER_URL: this.cluster.url,
    };
  }

  /** Runs a program to its end, and gives what it printed. It must end by itself, with status 0. */
  run(directory, command, args, env = {}) {
    return new Promise((resolve, reject) => {
      execFile(command, args, { cwd: directory, env: { ...this.environment(), ...env }, timeout: LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: 1e8 }, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout.trim());
        return reject(new Error(`${command} ${args.join(' ')}: ${error.killed ? 'does not end' : error.code}\n${stdout}\n${stderr}`));
      }).stdin.end();
    });
  }

  /** A program of conformance/npm's own packages, by its name there. */
  tool(name) {
    return path.join(HERE, 'node_modules/.bin', name);
  }
}

/** The names of the native parts in a node_modules. */
export function natives(directory) {
  const scope = path.join(directory, 'node_modules/@kenwell');
  return fs.readdirSync(scope).filter((name) => name.startsWith('redis-'));
}

/** Of this machine. */
export const NATIVE_PACKAGE = `redis-linux-${process.arch}-gnu`;

/** What a server answers, once it answers at all. */
export async function answer(url) {
  let text;
  await until(async () => {
    text = await (await fetch(url)).text();
    return true;
  });
  return text;
}

export { freePort };
