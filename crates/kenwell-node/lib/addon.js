// Finds the native part: the package for this system, or the file kenwell.node beside the running program.
'use strict';

const fs = require('fs');
const { createRequire } = require('module');
const path = require('path');

/** What there is a package for: `@kenwell/redis-<one of these>`. release/packages/platforms.py packs them. */
const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64-gnu', 'linux-arm64-musl', 'linux-x64-gnu', 'linux-x64-musl', 'win32-x64'];

/** Beside a bundle, where somebody has put it, or beside this file, where `npm run build` does. */
const FILE = './kenwell.node';

/** The native part, or why there is none. */
function load() {
  const platforms = platformsOf(process.platform, process.arch, process.platform === 'linux' ? libc() : null);
  if (!platforms.some((platform) => PLATFORMS.includes(platform))) return { addon: null, problem: `there is no native part for ${platforms[0]}` };
  // Not `require`: bundlers leave this one alone, and what they cannot include is looked for when the program runs.
  const find = createRequire(here());
  const packages = platforms.map((platform) => `@kenwell/redis-${platform}`);
  const problems = [];
  for (const name of [...packages, FILE]) {
    try {
      return { addon: find(name), problem: null };
    } catch (error) {
      if (!isAbsent(error, name)) problems.push(`${name} cannot be loaded: ${String(error.message).split('\n')[0]}`);
    }
  }
  return { addon: null, problem: problems.join('; ') || absent(packages) };
}

/** Where to look from: this file, or the bundle that it has become part of. A bundle of ES modules has no `__filename`. */
function here() {
  return typeof __filename === 'string' ? __filename : path.resolve(process.argv[1] ?? 'program');
}

/** The names of this system, the likeliest first: more than one when nothing tells which C library it has. */
function platformsOf(system, processor, library) {
  if (system !== 'linux') return [`${system}-${processor}`];
  return (library === null ? ['gnu', 'musl'] : [library]).map((name) => `${system}-${processor}-${name}`);
}

/** `gnu` or `musl`, as the running program was linked; a library that is loaded into it must be linked with the same. */
function libc() {
  for (const question of [() => libcOf(process.execPath), libcOfReport]) {
    try {
      const found = question();
      if (found !== null) return found;
    } catch {
      // The program may not be read, or is none that the kernel knows; or the report may not be made.
    }
  }
  return null;
}

/** What the running program says of itself; null when it says nothing. */
function libcOfReport() {
  const header = process.report?.getReport?.().header;
  if (!header) return null;
  return header.glibcVersionRuntime ? 'gnu' : 'musl';
}

const PT_INTERP = 3;

/** The C library of a program, by the loader that it names; null when it names none. */
function libcOf(file) {
  const descriptor = fs.openSync(file, 'r');
  const read = (at, length) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, length, at));
  };
  try {
    // The head of a 64-bit ELF file says where its segments are listed.
    const head = read(0, 64);
    const size = head.readUInt16LE(54);
    const segments = read(Number(head.readBigUInt64LE(32)), size * head.readUInt16LE(56));
    for (let at = 0; at < segments.length; at += size) {
      if (segments.readUInt32LE(at) !== PT_INTERP) continue;
      const loader = read(Number(segments.readBigUInt64LE(at + 8)), Number(segments.readBigUInt64LE(at + 32))).toString();
      return loader.includes('ld-musl') ? 'musl' : loader.includes('ld-linux') ? 'gnu' : null;
    }
    return null;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Whether a package or file is not there, which is another thing than one that cannot be loaded. */
function isAbsent({ code, message }, name) {
  return code === 'MODULE_NOT_FOUND' && String(message).includes(name.replace(/^\.\//, ''));
}

function absent([name, ...others]) {
  const names = [name, ...others].join(' or ');
  return `${names} is not installed. It comes with @kenwell/redis, unless optional packages are left out (--omit=optional) or node_modules was made on another system: npm install ${name}. A bundle needs its file kenwell.node in the bundle's directory`;
}

module.exports = { PLATFORMS, libcOf, load, platformsOf };
