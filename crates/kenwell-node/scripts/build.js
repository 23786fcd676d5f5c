// Builds the native part for this machine, and puts it where lib/addon.js finds it: npm run build [-- --debug]
// With KENWELL_ADDON=built it is there already, in cargo's directory.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

/** What cargo calls a library on each system. */
const LIBRARIES = { darwin: 'libkenwell_node.dylib', linux: 'libkenwell_node.so', win32: 'kenwell_node.dll' };

const library = LIBRARIES[process.platform];
if (!library) {
  console.log(`there is no native part for ${process.platform} yet; the JavaScript connection is used there`);
  process.exit(0);
}

const profile = process.argv.includes('--debug') ? 'dev' : 'release';
const root = path.resolve(__dirname, '../../..');
if (process.env.KENWELL_ADDON !== 'built') {
  const cargo = spawnSync('cargo', ['build', '--locked', '--package', 'kenwell-node', '--profile', profile], { cwd: root, stdio: 'inherit' });
  if (cargo.status !== 0) process.exit(cargo.status ?? 1);
}

const target = path.resolve(root, process.env.CARGO_TARGET_DIR || 'target');
const built = path.join(target, profile === 'dev' ? 'debug' : 'release', library);
const addon = path.resolve(__dirname, '../lib/kenwell.node');
// A file that a running process has loaded must not change under it: the new one takes its name instead.
fs.copyFileSync(built, `${addon}.new`);
fs.renameSync(`${addon}.new`, addon);
console.log(`built ${path.relative(process.cwd(), addon)} (${profile})`);
