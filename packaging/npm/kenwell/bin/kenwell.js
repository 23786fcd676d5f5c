#!/usr/bin/env node
// Runs the program `kenwell` that the package for this machine carries.
'use strict';

const { spawn } = require('child_process');
const os = require('os');

/** The program's path, or undefined when the package for this machine is not installed. */
function program() {
  try {
    return require.resolve(`@kenwell/cli-${process.platform}-${process.arch}/bin/kenwell`);
  } catch {
    return undefined;
  }
}

/** Runs it as a child, for versions of Node that cannot become another program. */
function run(path) {
  const child = spawn(path, process.argv.slice(2), { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both. Sent on, it would be the second one, which ends the server at once.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${path} cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
}

function fail(text) {
  console.error(`kenwell: ${text}`);
  process.exit(1);
}

const path = program();
if (!path) {
  fail(
    `there is no program for ${process.platform}-${process.arch} here\n` +
      '  fix: install without --omit=optional; on other systems than Linux on x64 and arm64, build it: cargo install --locked kenwell-server',
  );
}
if (process.execve) {
  try {
    process.removeAllListeners('warning'); // that execve is experimental is nothing that a person can act on
    process.execve(path, [path, ...process.argv.slice(2)], process.env);
  } catch {
    run(path);
  }
} else {
  run(path);
}
