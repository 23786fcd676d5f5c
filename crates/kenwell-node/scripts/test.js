// Runs the tests twice: with the native connection, then with the JavaScript one. npm test [-- FILE…]
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const directory = path.resolve(__dirname, '../test');
const named = process.argv.slice(2);
const files = named.length > 0 ? named : fs.readdirSync(directory).filter((file) => file.endsWith('.test.js')).map((file) => path.join(directory, file));

/** Tests need a moment of a real Redis each; a test that takes minutes hangs. */
const LIMIT_MS = 1_200_000;
/** Files that run at a time: most of them wait, for Redis or for a time to pass. */
const CONCURRENCY = 3;

let failed = false;
for (const native of ['on', 'off']) {
  if (native === 'on' && !require('..').transport.native) {
    console.log(`the native part cannot be loaded (${require('..').transport.problem}); build it: npm run build`);
    process.exit(1);
  }
  console.log(`\n--- ${native === 'on' ? 'native' : 'JavaScript'} connection, Node ${process.version}`);
  const { status } = spawnSync(process.execPath, ['--test', `--test-concurrency=${CONCURRENCY}`, ...files], { stdio: 'inherit', env: { ...process.env, KENWELL_NATIVE: native }, timeout: LIMIT_MS });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
