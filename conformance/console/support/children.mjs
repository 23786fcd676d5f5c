// Child processes on ports of their own, which never outlive the run.
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

const living = new Set();
// Below the ports that systems give to outgoing connections, so that a server that is started again finds its port free.
const [FIRST, LAST] = [20_000, 32_000];
const STOP_MS = 30_000;

/** Runs a program to its end and gives what it printed. */
export async function output(program, words, options = {}) {
  const { stdout } = await promisify(execFile)(program, words, { maxBuffer: 16_777_216, ...options });
  return stdout;
}

/** A port that nobody listens on right now. */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
  throw new Error('no free port found');
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
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
export async function eventually(what, test, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
