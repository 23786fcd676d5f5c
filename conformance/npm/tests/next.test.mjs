// A Next.js app as a standalone server, moved to an empty directory. It takes a minute or two, so a person asks for it: run --next.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { HERE, NATIVE, World, answer, freePort } from '../support/world.mjs';

let world;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

test('Next.js, standalone', async () => {
  const project = path.join(world.directory, 'next');
  fs.cpSync(path.join(HERE, 'next'), project, { recursive: true, filter: (file) => !/\/(node_modules|\.next)$/.test(file) });
  // Next.js from the real registry by its lock file; then ours.
  await world.run(project, 'npm', ['ci', '--silent'], { npm_config_registry: process.env.npm_config_registry, NPM_CONFIG_REGISTRY: undefined, HOME: process.env.HOME, XDG_CACHE_HOME: undefined });
  await world.run(project, 'npm', ['install', '--no-save', '--no-audit', '--no-fund', '@kenwell/redis'], { npm_config_prefer_offline: 'true' });
  await world.run(project, process.execPath, ['node_modules/next/dist/bin/next', 'build'], { NEXT_TELEMETRY_DISABLED: '1' });

  const directory = path.join(world.directory, 'moved');
  fs.renameSync(path.join(project, '.next/standalone'), directory);
  fs.rmSync(project, { recursive: true });
  const port = await freePort();
  const server = spawn(process.execPath, ['server.js'], { cwd: directory, env: { ...world.environment(), PORT: String(port), HOSTNAME: '127.0.0.1' }, stdio: 'inherit' });
  try {
    assert.equal(await answer(`http://127.0.0.1:${port}/api/visits`), NATIVE);
  } finally {
    server.kill();
  }
});
