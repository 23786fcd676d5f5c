// Each package manager installs the package and the one native part that fits, in an empty directory; and it runs there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import path from 'node:path';

import { HERE, NATIVE, NATIVE_PACKAGE, World, natives } from '../support/world.mjs';

let world;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

/** Both programs, by the Node that runs the tests. */
async function runs(directory) {
  for (const file of ['app.cjs', 'app.mjs']) assert.equal(await world.run(directory, process.execPath, [file]), NATIVE, file);
}

test('npm', async () => {
  const directory = await world.installed('npm');
  assert.deepEqual(natives(directory), [NATIVE_PACKAGE]);
  await runs(directory);
});

test('pnpm', async () => {
  const directory = world.project('pnpm');
  await world.run(directory, world.tool('pnpm'), ['add', '@kenwell/redis', '--store-dir', path.join(world.directory, 'pnpm-store')]);
  await runs(directory);
});

/** Yarn's settings, with its way to link packages. */
const yarn = (linker) => `nodeLinker: ${linker}
npmRegistryServer: ${world.registry.url}
unsafeHttpWhitelist: ['127.0.0.1']
enableTelemetry: false
enableGlobalCache: false
enableImmutableInstalls: false
pnpEnableEsmLoader: true
`;
const YARN = path.join(HERE, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js');

test('Yarn with node_modules', async () => {
  const directory = world.project('yarn', { '.yarnrc.yml': yarn('node-modules'), 'yarn.lock': '' });
  await world.run(directory, process.execPath, [YARN, 'add', '@kenwell/redis']);
  assert.deepEqual(natives(directory), [NATIVE_PACKAGE]);
  await runs(directory);
});

test('Yarn without node_modules (PnP)', async () => {
  const directory = world.project('pnp', { '.yarnrc.yml': yarn('pnp'), 'yarn.lock': '' });
  await world.run(directory, process.execPath, [YARN, 'add', '@kenwell/redis']);
  for (const file of ['app.cjs', 'app.mjs']) assert.equal(await world.run(directory, process.execPath, [YARN, 'node', file]), NATIVE, file);
});

test('Bun', async () => {
  const directory = world.project('bun');
  await world.run(directory, world.tool('bun'), ['add', '@kenwell/redis']);
  assert.ok(natives(directory).includes(NATIVE_PACKAGE));
  await runs(directory);
});

test('Deno', async () => {
  const directory = world.project('deno', { 'package.json': '{"private":true,"dependencies":{"@kenwell/redis":"*"}}' });
  await world.run(directory, world.tool('deno'), ['install', '--quiet']);
  await runs(directory);
});
