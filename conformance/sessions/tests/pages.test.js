// The programs of the pages about sessions run as they stand, against a real Redis.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const ts = require('typescript');

const { Redis, freePort, until } = require('../../../crates/kenwell-node/test/support/redis');
const { Browser } = require('../support/express-app');

const ROOT = path.resolve(__dirname, '../../..');
const SUITE = path.resolve(__dirname, '..');

let redis;
let directory;
before(async () => {
  redis = await Redis.start();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-pages-'));
  const modules = path.join(directory, 'node_modules');
  fs.mkdirSync(path.join(modules, '@kenwell'), { recursive: true });
  for (const name of fs.readdirSync(path.join(SUITE, 'node_modules')).filter((found) => !found.startsWith('.'))) fs.symlinkSync(path.join(SUITE, 'node_modules', name), path.join(modules, name));
  fs.symlinkSync(path.join(ROOT, 'crates/kenwell-node'), path.join(modules, '@kenwell/redis'));
});
after(async () => {
  fs.rmSync(directory, { recursive: true, force: true });
  await redis.stop();
});

/** The programs of a page, which this Redis takes the place of the usual one for. */
function programsOf(page) {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^```(?:js|ts)\n([^]*?)^```/gm)].map(([, program]) => program);
  return blocks.filter((program) => /@kenwell\/redis\/(express|grammy)/.test(program)).map((program) => program.replaceAll('redis://localhost:6379', redis.url));
}

function start(program) {
  const { outputText } = ts.transpileModule(program, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
  const file = path.join(directory, `program${fs.readdirSync(directory).length}.mjs`);
  fs.writeFileSync(file, outputText);
  return spawn(process.execPath, [file], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, BOT_TOKEN: '1:none' } });
}

test('docs/express.md: the first program counts visits, the others end by themselves', async () => {
  const [counting, ...others] = programsOf('docs/express.md');
  const port = await freePort();
  const app = start(counting.replace('3000', String(port)));
  try {
    const browser = new Browser(`http://127.0.0.1:${port}`);
    await until(async () => (await browser.visit('/')).text === 'visit 1');
    assert.equal((await browser.visit('/')).text, 'visit 2');
  } finally {
    app.kill('SIGKILL');
  }
  assert.equal(others.length, 2);
  for (const program of others) assert.deepEqual(await once(start(program), 'exit'), [0, null], program);
});

test('docs/grammy.md and the package\'s README: the programs can be run up to where a bot needs the network', async () => {
  const programs = [...programsOf('docs/grammy.md'), ...programsOf('crates/kenwell-node/README.md')];
  assert.equal(programs.length, 3);
  for (const program of programs) assert.deepEqual(await once(start(program.replace('bot.start();', '')), 'exit'), [0, null], program);
});
