// What npm users get: the packed package in an empty directory, and in a bundle as Jovo's templates make it.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const esbuild = require('esbuild');

const { transport } = require('..');
const { Redis } = require('./support/redis');

const PACKAGE = path.resolve(__dirname, '..');

let redis;
let directory;
before(async () => {
  redis = await Redis.start();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-package-'));
});
after(async () => {
  fs.rmSync(directory, { recursive: true, force: true });
  await redis.stop();
});

function npm(...args) {
  return execFileSync('npm', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs a file there, and gives what it printed. */
function run(file, env = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: directory, encoding: 'utf8', env: { ...process.env, REDIS_URL: redis.url, ...env }, timeout: 60_000 });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const VISIT = `
const store = new StateStore({ connectionString: process.env.REDIS_URL });
store
  .save('ada', { user: { data: { visits: 1 } } })
  .then(() => store.load('ada'))
  .then((record) => console.log(record.user.data.visits, transport.native));
`;

test('packed and installed in an empty directory it runs, without Jovo', () => {
  const packages = transport.native ? [PACKAGE, path.join(PACKAGE, 'npm/linux-x64-gnu')] : [PACKAGE];
  const packed = packages.map((place) => JSON.parse(npm('pack', '--json', '--silent', place))[0]);
  for (const { files } of packed) assert.ok(!files.some(({ path: file }) => /^(test|src|scripts|npm|node_modules)\//.test(file)));
  fs.writeFileSync(path.join(directory, 'package.json'), '{"private":true}');
  npm('install', '--prefer-offline', '--no-audit', '--no-fund', ...packed.map(({ filename }) => `./${filename}`));

  fs.writeFileSync(path.join(directory, 'store.cjs'), `const { StateStore, transport } = require('@kenwell/redis');${VISIT}`);
  assert.equal(run('store.cjs'), `1 ${transport.native}`);
  fs.writeFileSync(path.join(directory, 'store.mjs'), `import { StateStore, transport } from '@kenwell/redis/state';${VISIT}`);
  assert.equal(run('store.mjs'), `1 ${transport.native}`);
  fs.writeFileSync(path.join(directory, 'both.mjs'), `
    import { createRequire } from 'module';
    import { RedisDb, StateStore, KenwellError } from '@kenwell/redis';
    const required = createRequire(import.meta.url)('@kenwell/redis');
    let said;
    try { new RedisDb(); } catch (error) { said = error.message; }
    console.log(required.StateStore === StateStore, required.KenwellError === KenwellError, said);
  `);
  assert.match(run('both.mjs'), /^true true RedisDb needs Jovo: npm install @jovotech\/framework/);
  // Without the native part, as on another platform.
  fs.rmSync(path.join(directory, 'node_modules/@kenwell/redis-linux-x64-gnu'), { recursive: true, force: true });
  assert.equal(run('store.cjs'), '1 false');
});

test('a bundle made with the line of Jovo\'s templates runs', () => {
  const source = path.join(PACKAGE, 'test', '.bundled-app.js');
  const bundle = path.join(directory, 'bundle.js');
  fs.writeFileSync(
    source,
    `const { RedisDb, transport } = require('..');
     const { appWith, say } = require('./support/jovo');
     (async () => {
       const app = await appWith(new RedisDb({ connectionString: process.env.REDIS_URL, keyPrefix: 'bundle', skipTests: false, encryption: { keys: [{ id: 'a', secret: 'ab'.repeat(32) }] } }));
       let visits;
       for (let visit = 0; visit < 2; visit++) await say(app, 'ada', (jovo) => { visits = jovo.$user.data.visits = (jovo.$user.data.visits || 0) + 1; });
       console.log(visits, transport.native);
     })();`,
  );
  try {
    // Jovo's templates have Jest installed; here it is not, and only Jovo's own test suite asks for it.
    // esbuild --bundle --minify --keep-names --platform=node --target=node14 --format=cjs
    const { warnings } = esbuild.buildSync({ entryPoints: [source], outfile: bundle, bundle: true, minify: true, keepNames: true, platform: 'node', target: 'node14', format: 'cjs', external: ['@jest/globals'], logLevel: 'silent' });
    assert.deepEqual(warnings, []);
  } finally {
    fs.rmSync(source);
  }
  // Nothing but the bundle is there.
  assert.equal(run(bundle), '2 false');
});
