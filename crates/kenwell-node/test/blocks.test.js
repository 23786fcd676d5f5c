// The pages' whole programs run as they stand, against a real Redis; scripts/types.js compiles them, and the other blocks.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const esbuild = require('esbuild');

const blocks = require('./support/blocks');
const { PATIENCE_MS } = require('./support/redis');
const { sharedRedis } = require('./support/servers');

const PACKAGE = path.resolve(__dirname, '..');
/** What a program may import to be run here; those with other packages are run by the suites that have them. */
const HERE = new Set(['@kenwell/redis', '@jovotech/framework']);

const redis = sharedRedis();
let directory;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-blocks-'));
  fs.mkdirSync(path.join(directory, 'node_modules/@kenwell'), { recursive: true });
  fs.symlinkSync(PACKAGE, path.join(directory, 'node_modules/@kenwell/redis'));
  fs.symlinkSync(path.join(PACKAGE, 'node_modules/@jovotech'), path.join(directory, 'node_modules/@jovotech'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const programs = blocks.all().filter(({ packages }) => packages.includes('@kenwell/redis') && packages.every((name) => HERE.has(name)));

test('there are some', () => {
  for (const page of ['crates/kenwell-node/README.md', 'docs/jovo.md']) assert.ok(programs.some(({ place }) => place.startsWith(page)), page);
});

for (const { place, program } of programs) {
  test(place, () => {
    const source = program.replaceAll(/localhost:6379|127\.0\.0\.1:6379/g, redis.url.replace('redis://', ''));
    const { code } = esbuild.transformSync(source, { loader: 'ts', format: 'esm', target: 'esnext' });
    fs.writeFileSync(path.join(directory, 'block.mjs'), code);
    const env = { ...process.env, STATE_KEY: 'ab'.repeat(32) };
    const { status, stderr } = spawnSync(process.execPath, ['block.mjs'], { cwd: directory, env, encoding: 'utf8', timeout: PATIENCE_MS });
    assert.equal(status, 0, `${stderr}\n${code}`);
  });
}

test('a block that continues another one is one program with it', () => {
  const first = "import { A } from 'a';\nimport 'b';\n\nconst a = new A();\n";
  const joined = blocks.joined(first, "import { A, C } from 'a';\n\na.run(C);\n");
  assert.equal(joined.replace(/\n+/g, '\n'), "import { A, C } from 'a';\nimport 'b';\nconst a = new A();\na.run(C);\n");
  assert.deepEqual(blocks.packagesOf(`${first}import fs from 'node:fs';\nimport { d } from '@d/e/f';`), ['a', 'b', '@d/e']);
});
