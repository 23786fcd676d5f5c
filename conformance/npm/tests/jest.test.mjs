// A project with Jest whose tests use the store: it ends by itself, and Jest finds nothing that was left open.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { HERE, World } from '../support/world.mjs';

let world;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

const STORE_TEST = `
const { StateStore, transport } = require('@kenwell/redis/state');

// Not what is tested here, on a machine that is busy with much else.
jest.setTimeout(120_000);

const servers = { standalone: { connectionString: process.env.REDIS_URL }, cluster: { connectionString: process.env.CLUSTER_URL, cluster: true } };

for (const [name, options] of Object.entries(servers)) {
  test(name, async () => {
    const store = new StateStore(options);
    await store.save('ada', { user: { data: { visits: 1 } } });
    expect((await store.load('ada')).user.data).toEqual({ visits: 1 });
  });
  test(name + ' with fake timers', async () => {
    jest.useFakeTimers();
    const store = new StateStore(options);
    await store.save('bob', { user: { data: 'Bob' } });
    expect((await store.load('bob')).user.data).toBe('Bob');
    jest.useRealTimers();
  });
}

test('it is the native part that speaks to the cluster', () => expect(transport).toMatchObject({ native: true, problem: null }));
`;

test('Jest finds no open handles', async () => {
  const directory = await world.installed('project', { 'store.test.js': STORE_TEST, 'other.test.js': STORE_TEST });
  const jest = path.join(HERE, 'node_modules/jest/bin/jest.js');
  // Jest writes to its error output; one process for both files is what --detectOpenHandles means. It warns of a process that has not
  // ended after a second, in which a busy machine may not have come so far; one that never ends is a failure anyway.
  const said = await world.run(directory, 'sh', ['-c', `exec "${process.execPath}" "${jest}" --ci --detectOpenHandles --openHandlesTimeout 120000 --rootDir . 2>&1`]);
  assert.match(said, /^Tests: +10 passed, 10 total$/m);
  assert.doesNotMatch(said, /open handle|did not exit/i);
});
