// The native part loads in every runtime, and is used there: in a cluster, from worker threads too.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { HERE, NATIVE, World } from '../support/world.mjs';

let world;
let directory;
before(async () => {
  world = await World.start();
  directory = await world.installed('project');
});
after(() => world.stop());

/** The oldest that the package's `engines` allow, newer ones, and the one that runs this. */
const NODES = { 18: 'node-18', 22: 'node-22', 24: 'node-24', [process.versions.node.split('.')[0]]: null };

for (const [version, name] of Object.entries(NODES)) {
  const node = name === null ? process.execPath : path.join(HERE, 'node_modules', name, 'bin/node');
  const skip = fs.existsSync(node) ? false : `there is no Node ${version} for ${process.arch} among the optional packages`;
  test(`Node ${version}`, { skip }, async () => {
    assert.match(await world.run(directory, node, ['--version']), new RegExp(`^v${version}\\.`));
    for (const file of ['app.cjs', 'app.mjs']) assert.equal(await world.run(directory, node, [file]), NATIVE, file);
    assert.equal(await world.run(directory, node, ['worker.cjs']), `${NATIVE}\n${NATIVE}`);
  });
}

test('Bun', async () => {
  for (const file of ['app.cjs', 'app.mjs']) assert.equal(await world.run(directory, world.tool('bun'), [file]), NATIVE, file);
  assert.equal(await world.run(directory, world.tool('bun'), ['worker.cjs']), `${NATIVE}\n${NATIVE}`);
});

test('Deno, with the rights that docs/jovo.md names', async () => {
  const rights = ['--allow-env', '--allow-read', '--allow-net', '--allow-ffi'];
  for (const file of ['app.cjs', 'app.mjs']) assert.equal(await world.run(directory, world.tool('deno'), ['run', ...rights, file]), NATIVE, file);
});
