// Builds the native part for this machine and puts it into its platform package: npm run build [-- --debug]
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const PLATFORMS = {
  'linux-x64': { directory: 'linux-x64-gnu', library: 'libkenwell_node.so' },
};

const platform = PLATFORMS[`${process.platform}-${process.arch}`];
if (!platform) {
  console.log(`no native package for ${process.platform}-${process.arch} yet; the JavaScript connection is used there`);
  process.exit(0);
}

const profile = process.argv.includes('--debug') ? 'dev' : 'release';
const root = path.resolve(__dirname, '../../..');
const cargo = spawnSync('cargo', ['build', '--locked', '--package', 'kenwell-node', '--profile', profile], { cwd: root, stdio: 'inherit' });
if (cargo.status !== 0) process.exit(cargo.status ?? 1);

const target = path.resolve(root, process.env.CARGO_TARGET_DIR || 'target');
const built = path.join(target, profile === 'dev' ? 'debug' : 'release', platform.library);
const addon = path.resolve(__dirname, '../npm', platform.directory, 'kenwell.node');
// A file that a running process has loaded must not change under it: the new one takes its name instead.
fs.copyFileSync(built, `${addon}.new`);
fs.renameSync(`${addon}.new`, addon);
console.log(`built ${path.relative(process.cwd(), addon)} (${profile})`);
