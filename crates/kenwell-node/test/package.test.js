// What is packed, and a bundle as Jovo's templates make it. conformance/npm has what others install and bundle.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const esbuild = require('esbuild');

const { transport } = require('..');
const { PATIENCE_MS } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const PACKAGE = path.resolve(__dirname, '..');

const redis = sharedRedis();
let directory;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-package-'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Runs a file there, and gives what it printed. */
function run(file, env = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: directory, encoding: 'utf8', env: { ...process.env, REDIS_URL: redis.url, ...env }, timeout: PATIENCE_MS });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('what is packed is what the package needs to run, and its types', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: PACKAGE, encoding: 'utf8' }));
  const strange = files.map(({ path: file }) => file).filter((file) => !/^(lib\/[a-z-]+\.js|[a-z-]+\.(js|mjs|d\.m?ts)|package\.json|README\.md)$/.test(file));
  assert.deepEqual(strange, []);
});

test('without Jovo it can be required and imported, and is one module', () => {
  fs.mkdirSync(path.join(directory, 'node_modules/@kenwell/redis'), { recursive: true });
  for (const name of ['package.json', 'index.js', 'index.mjs', 'state.js', 'state.mjs', 'lib']) fs.cpSync(path.join(PACKAGE, name), path.join(directory, 'node_modules/@kenwell/redis', name), { recursive: true });
  fs.cpSync(path.join(PACKAGE, 'node_modules/@noble'), path.join(directory, 'node_modules/@noble'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'both.mjs'), `
    import { createRequire } from 'module';
    import { RedisDb, StateStore, KenwellError } from '@kenwell/redis';
    const required = createRequire(import.meta.url)('@kenwell/redis');
    let said;
    try { new RedisDb(); } catch (error) { said = error.message; }
    console.log(required.StateStore === StateStore, required.KenwellError === KenwellError, said);
  `);
  assert.match(run('both.mjs'), /^true true RedisDb needs Jovo: npm install @jovotech\/framework/);
});

test('a bundle made with the line of Jovo\'s templates runs', () => {
  const source = path.join(PACKAGE, 'test', `.bundled-app-${process.pid}.js`);
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
