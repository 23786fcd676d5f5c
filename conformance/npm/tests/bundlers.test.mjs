// A small app, bundled and moved to an empty directory: it runs as it is, and with the native part when that lies beside it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import esbuild from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';

import { NATIVE, NATIVE_PACKAGE, WITHOUT_NATIVE, World } from '../support/world.mjs';

let world;
let project;
before(async () => {
  world = await World.start();
  project = await world.installed('project');
});
after(() => world.stop());

/** Of a bundle in an otherwise empty directory: what it does alone, and with the one file that a bundler cannot take in. */
async function runsAnywhere(name, file) {
  const directory = world.empty(name);
  fs.copyFileSync(file, path.join(directory, path.basename(file)));
  const run = () => world.run(directory, process.execPath, [path.basename(file)]);
  assert.match(await run(), WITHOUT_NATIVE);
  fs.copyFileSync(path.join(project, 'node_modules/@kenwell', NATIVE_PACKAGE, 'kenwell.node'), path.join(directory, 'kenwell.node'));
  assert.equal(await run(), NATIVE);
}

/** Of a bundle that leaves the package out: node_modules is deployed along with it. */
async function runsBesideNodeModules(name, file) {
  const directory = world.empty(name);
  fs.copyFileSync(file, path.join(directory, path.basename(file)));
  fs.cpSync(path.join(project, 'node_modules'), path.join(directory, 'node_modules'), { recursive: true });
  assert.equal(await world.run(directory, process.execPath, [path.basename(file)]), NATIVE);
}

const out = (name) => path.join(world.directory, name);

async function bundledByEsbuild(outfile, options) {
  const { warnings } = await esbuild.build({ absWorkingDir: project, outfile, bundle: true, minify: true, platform: 'node', target: 'node18', logLevel: 'silent', ...options });
  assert.deepEqual(warnings, []);
  return outfile;
}

test('esbuild, CommonJS', async () => {
  for (const entry of ['app.cjs', 'app.mjs']) {
    await runsAnywhere(`esbuild-${entry}`, await bundledByEsbuild(out(`esbuild-${entry}.cjs`), { entryPoints: [entry], format: 'cjs' }));
  }
});

test('esbuild, ES modules', async () => {
  // esbuild's own way for packages that call `require`.
  const banner = { js: "import { createRequire } from 'module'; const require = createRequire(import.meta.url);" };
  await runsAnywhere('esbuild-esm', await bundledByEsbuild(out('esbuild.mjs'), { entryPoints: ['app.mjs'], format: 'esm', banner }));
});

test('esbuild, with the package left out', async () => {
  await runsBesideNodeModules('esbuild-external', await bundledByEsbuild(out('esbuild-external.mjs'), { entryPoints: ['app.mjs'], format: 'esm', packages: 'external' }));
});

async function bundledByRollup(file, format, external = []) {
  const warnings = [];
  const bundle = await rollup({ input: path.join(project, 'app.mjs'), plugins: [nodeResolve({ preferBuiltins: true }), commonjs()], external, onwarn: (warning) => warnings.push(warning.message) });
  await bundle.write({ file, format });
  await bundle.close();
  assert.deepEqual(warnings, []);
  return file;
}

test('Rollup, ES modules', async () => {
  await runsAnywhere('rollup-esm', await bundledByRollup(out('rollup.mjs'), 'es', [/^node:/]));
});

test('Rollup, CommonJS', async () => {
  await runsAnywhere('rollup-cjs', await bundledByRollup(out('rollup.cjs'), 'cjs'));
});

function bundledByWebpack(name, options) {
  return new Promise((resolve, reject) => {
    const configuration = { context: project, mode: 'production', target: 'node18', entry: './app.mjs', output: { path: world.directory, filename: name }, ...options };
    webpack(configuration, (error, stats) => {
      if (error) return reject(error);
      const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
      if (errors.length + warnings.length > 0) return reject(new Error(JSON.stringify([errors, warnings], null, 1)));
      return resolve(out(name));
    });
  });
}

test('webpack, CommonJS', async () => {
  await runsAnywhere('webpack-cjs', await bundledByWebpack('webpack.cjs'));
});

test('webpack, ES modules', async () => {
  const output = { path: world.directory, filename: 'webpack.mjs', module: true, chunkFormat: 'module' };
  await runsAnywhere('webpack-esm', await bundledByWebpack('webpack.mjs', { experiments: { outputModule: true }, output }));
});

test('webpack, with the package left out', async () => {
  await runsBesideNodeModules('webpack-external', await bundledByWebpack('webpack-external.cjs', { externals: { '@kenwell/redis/state': 'commonjs @kenwell/redis/state' } }));
});
