// Child processes on ports of their own, which never outlive the run.
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import ports from '../../../tools/ports.js';

export const { freePort } = ports;

const living = new Set();
const STOP_MS = 30_000;

/** Runs a program to its end and gives what it printed. */
export async function output(program, words, options = {}) {
  const { stdout } = await promisify(execFile)(program, words, { maxBuffer: 16_777_216, ...options });
  return stdout;
}

/** Starts a program whose output goes to a file. */
export function start(program, words, logFile, env = process.env) {
  const log = openSync(logFile, 'a');
  const child = spawn(program, words, { stdio: ['ignore', log, log], detached: true, env });
  closeSync(log);
  living.add(child);
  child.once('exit', () => living.delete(child));
  child.once('error', () => living.delete(child));
  return child;
}

/** Asks a child to stop, then makes it; resolves to its exit status. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGTERM');
  const timer = setTimeout(() => kill(child), STOP_MS);
  const status = await ended;
  clearTimeout(timer);
  return status;
}

function kill(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

process.on('exit', () => { for (const child of living) kill(child); });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** Asks again until `test` gives something true; fails after a while, saying what was waited for. */
export async function eventually(what, test, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
