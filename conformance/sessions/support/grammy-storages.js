// The suite of grammY's storage for Redis, from a clone of grammyjs/storages, with our adapter; see ../suite.js.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ts = require('typescript');

const { RedisAdapter } = require('../../../crates/kenwell-node/grammy');

const root = process.env.SUITE_DIRECTORY;
let adapters = 0;

class AdapterOfSuite extends RedisAdapter {
  constructor() {
    super({ connectionString: process.env.SUITE_REDIS, prefix: `suite-${(adapters += 1)}:` });
  }
}

function load(file, modules) {
  const { outputText } = ts.transpileModule(fs.readFileSync(path.join(root, file), 'utf8'), { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true } });
  const exports = {};
  new Function('require', 'exports', outputText)((name) => modules[name] ?? require(name), exports);
  return exports;
}

load('packages/redis/__tests__/node.ts', {
  '@grammyjs/storage-utils': load('libs/utils/src/mod.ts', {}),
  '../src/mod.ts': { RedisAdapter: AdapterOfSuite },
  './redisMock.ts': { RedisMock: class {} },
});
