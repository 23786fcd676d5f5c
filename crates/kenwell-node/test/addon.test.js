// Which native part is looked for, where, and what is said when there is none.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');

const { PLATFORMS, libcOf, load, platformsOf } = require('../lib/addon');

let directory;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-addon-'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const [OWN] = platformsOf(process.platform, process.arch, process.platform === 'linux' ? (libcOf(process.execPath) ?? 'gnu') : null);
const scope = () => path.join(directory, 'node_modules/@kenwell');

/** @kenwell/redis without its addon, in an empty node_modules. */
beforeEach(() => {
  fs.rmSync(path.join(directory, 'node_modules'), { recursive: true, force: true });
  fs.mkdirSync(path.join(scope(), 'redis/lib'), { recursive: true });
  fs.copyFileSync(require.resolve('../lib/addon'), path.join(scope(), 'redis/lib/addon.js'));
});

/** A native package whose main file says this. */
function install(name, main) {
  fs.mkdirSync(path.join(scope(), name), { recursive: true });
  fs.writeFileSync(path.join(scope(), name, 'index.js'), main);
}

/** What `load` gives in a process of its own, which first does something. */
function loaded(first = '') {
  const program = `${first};console.log(JSON.stringify(require(${JSON.stringify(path.join(scope(), 'redis/lib/addon.js'))}).load()))`;
  return JSON.parse(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }));
}

test('a system has the name that its package has', () => {
  assert.deepEqual(platformsOf('darwin', 'arm64', null), ['darwin-arm64']);
  assert.deepEqual(platformsOf('win32', 'x64', null), ['win32-x64']);
  assert.deepEqual(platformsOf('linux', 'arm64', 'musl'), ['linux-arm64-musl']);
  assert.deepEqual(platformsOf('linux', 'x64', null), ['linux-x64-gnu', 'linux-x64-musl'], 'nothing tells which');
  assert.ok(PLATFORMS.includes(OWN), OWN);
});

test('the C library is the one whose loader the running program names', () => {
  const program = (loader) => {
    const file = path.join(directory, 'program');
    const bytes = Buffer.alloc(64 + 2 * 56 + 64);
    bytes.write('\x7fELF', 'latin1');
    bytes.writeBigUInt64LE(64n, 32); // where the segments are listed
    bytes.writeUInt16LE(56, 54);
    bytes.writeUInt16LE(2, 56);
    bytes.writeUInt32LE(loader === null ? 1 : 3, 64 + 56); // the second one names the loader
    bytes.writeBigUInt64LE(176n, 64 + 56 + 8);
    bytes.writeBigUInt64LE(BigInt((loader ?? '').length), 64 + 56 + 32);
    bytes.write(loader ?? '', 176);
    fs.writeFileSync(file, bytes);
    return file;
  };
  assert.equal(libcOf(program('/lib/ld-musl-x86_64.so.1')), 'musl');
  assert.equal(libcOf(program('/lib64/ld-linux-x86-64.so.2')), 'gnu');
  assert.equal(libcOf(program('/nix/store/0123456789-glibc-2.40/lib/ld-linux-aarch64.so.1')), 'gnu');
  assert.equal(libcOf(program('/system/bin/linker64')), null);
  assert.equal(libcOf(program(null)), null, 'a static program');
  if (process.platform === 'linux') assert.match(libcOf(process.execPath), /^(gnu|musl)$/);
});

test('the package that fits is loaded, and no other one', () => {
  const other = PLATFORMS.find((platform) => platform !== OWN);
  install(`redis-${other}`, 'module.exports = "other"');
  assert.match(loaded().problem, new RegExp(`^@kenwell/redis-${OWN} is not installed\\. .*npm install @kenwell/redis-${OWN}\\.`));
  install(`redis-${OWN}`, 'module.exports = "own"');
  assert.deepEqual(loaded(), { addon: 'own', problem: null });
});

test('where nothing tells the C library, both are tried', { skip: process.platform !== 'linux' }, () => {
  const untold = 'process.report.getReport = undefined; process.execPath = "/nowhere"';
  assert.match(loaded(untold).problem, /-gnu or @kenwell\/redis-linux-\w+-musl is not installed/);
  install(`redis-linux-${process.arch}-musl`, 'module.exports = "musl"');
  assert.equal(loaded(untold).addon, 'musl');
  install(`redis-linux-${process.arch}-gnu`, 'throw new Error("libc.so.6 is missing")');
  assert.equal(loaded(untold).addon, 'musl');
});

test('one that cannot be loaded says why', () => {
  install(`redis-${OWN}`, 'throw new Error("a symbol is missing\\nand more")');
  assert.deepEqual(loaded(), { addon: null, problem: `@kenwell/redis-${OWN} cannot be loaded: a symbol is missing` });
});

test('a file beside the running one is loaded when there is no package', () => {
  const beside = path.join(scope(), 'redis/lib/kenwell.node');
  fs.writeFileSync(beside, 'no library');
  assert.match(loaded().problem, /^\.\/kenwell\.node cannot be loaded: /);
  fs.rmSync(beside);
  install('redis/lib/kenwell.node', 'module.exports = "beside"');
  assert.deepEqual(loaded(), { addon: 'beside', problem: null });
  install(`redis-${OWN}`, 'module.exports = "own"');
  assert.equal(loaded().addon, 'own');
});

test('a system without a native part is named', () => {
  assert.match(loaded('Object.defineProperty(process, "arch", { value: "riscv64" })').problem, /^there is no native part for \w+-riscv64/);
});

test('where the package was built, its addon is found', { skip: !fs.existsSync(path.join(__dirname, '../lib/kenwell.node')) }, () => {
  assert.equal(load().problem, null);
});
