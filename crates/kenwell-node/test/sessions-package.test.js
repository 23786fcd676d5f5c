// The session stores where nothing else of them is: imported as a package, without express-session and grammY.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { PATIENCE_MS } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const PACKAGE = path.resolve(__dirname, '..');

const redis = sharedRedis();
let directory;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-sessions-'));
  const copy = (from, to) => fs.cpSync(path.join(PACKAGE, from), path.join(directory, 'node_modules', to), { recursive: true });
  copy('node_modules/@noble', '@noble');
  for (const file of fs.readdirSync(PACKAGE).filter((name) => /\.(js|mjs|json)$/.test(name))) copy(file, `@kenwell/redis/${file}`);
  copy('lib', '@kenwell/redis/lib');
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

function run(program) {
  fs.writeFileSync(path.join(directory, 'program.mjs'), program);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], { cwd: directory, encoding: 'utf8', env: { ...process.env, REDIS_URL: redis.url }, timeout: PATIENCE_MS });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('both stores can be imported and required, share what they store, and keep no process alive', () => {
  const said = run(`
    import { createRequire } from 'module';
    import { KenwellError, RedisStore } from '@kenwell/redis/express';
    import { RedisAdapter } from '@kenwell/redis/grammy';
    const require = createRequire(import.meta.url);
    const options = { connectionString: process.env.REDIS_URL };
    await new RedisStore(options).set('one', { cookie: {}, n: 1 });
    console.log(await new RedisAdapter({ ...options, prefix: 'sess:' }).read('one'));
    console.log(require('@kenwell/redis/express').RedisStore === RedisStore, require('@kenwell/redis/state').KenwellError === KenwellError);
  `);
  assert.equal(said, '{ cookie: {}, n: 1 }\ntrue true');
});

test('express-session is told when it cannot be found from the package', () => {
  const said = run(`
    import { RedisStore } from '@kenwell/redis/express';
    const store = new RedisStore({ connectionString: process.env.REDIS_URL });
    try { store.generate = () => {}; } catch (error) { console.log(error.code, error.message); }
  `);
  assert.match(said, /^KENWELL_SETTINGS setting store: express-session could not be loaded .*install both in one place$/);
});
