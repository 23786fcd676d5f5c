// Runs the tests on the oldest and the newest Node that the package supports: npm run other-nodes
'use strict';

const { spawnSync } = require('child_process');

const VERSIONS = ['18', '24'];
const FILES = ['jovo', 'state-store', 'record', 'update', 'close', 'names', 'mistakes', 'resp', 'encryption', 'failures', 'process', 'sessions', 'sessions-network', 'grammy'].map((name) => `test/${name}.test.js`);

for (const version of VERSIONS) {
  const { status } = spawnSync('npm', ['exec', '--yes', `--package=node@${version}`, '--', 'node', 'scripts/test.js', ...FILES], { cwd: `${__dirname}/..`, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
