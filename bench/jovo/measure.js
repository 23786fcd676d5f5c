// One measurement: so many users, each of whom loads, changes and saves its record again and again.
'use strict';

const PACKAGE = '../../crates/kenwell-node';
const { RedisDb } = require(PACKAGE);
const { Peer } = require(`${PACKAGE}/test/support/peer`);
const { createClient } = require(`${PACKAGE}/node_modules/@redis/client`);

const [kind, users, entryCount, seconds] = process.argv.slice(2, 6).map((text) => (/^\d+$/.test(text) ? Number(text) : text));
const url = process.argv[6];
const WARM_UP_MS = 500;

const ENTRIES = {
  1: [{ id: 'data', user: true, session: true, history: true, createdAt: true, updatedAt: true }],
  3: [
    { id: 'user', user: true, createdAt: true, updatedAt: true },
    { id: 'session', session: true, ttlSeconds: 1200 },
    { id: 'history', history: true, ttlSeconds: 1200 },
  ],
}[entryCount];

const TIME = '2024-01-01T00:00:00.000Z';
const record = () => ({
  user: { data: { name: 'Ada Lovelace', visits: 42, preferences: { language: 'en', zone: 'Europe/London' }, list: [1, 2, 3, 4, 5, 6, 7, 8] } },
  session: { id: 'session-1', data: { step: 3, cart: ['a', 'b'] }, state: [{ component: 'PizzaComponent' }], createdAt: TIME, updatedAt: TIME },
  history: { items: [{ output: [{ message: 'Do you like pizza?', listen: true }], nlu: { intent: { name: 'YesIntent' } } }] },
  createdAt: TIME,
  updatedAt: TIME,
});

/** Our plugin as Jovo calls it, without Jovo around it: what a request brings and takes is the record itself. */
function ours() {
  const plugin = new RedisDb({ connectionString: url, entries: ENTRIES });
  plugin.applyPersistableData = async (jovo, item) => Object.assign(item, jovo);
  return { load: (userId) => plugin.getDbItem(userId, undefined), save: (userId, item) => plugin.saveData(userId, item) };
}

/** The same commands over one connection that stays open: reads of a user at once, writes in one transaction. */
async function client() {
  const connection = createClient({ url });
  await connection.connect();
  return {
    async load(userId) {
      const texts = await Promise.all(ENTRIES.map(({ id }) => connection.get(`${id}:${userId}`)));
      let item = {};
      for (const text of texts) if (text) item = { ...item, ...JSON.parse(text) };
      return item;
    },
    async save(userId, item) {
      const transaction = connection.multi();
      for (const { id, ttlSeconds = 0, ...elements } of ENTRIES) {
        const part = {};
        for (const element of Object.keys(elements)) if (item[element]) part[element] = item[element];
        transaction.set(`${id}:${userId}`, JSON.stringify(part), ttlSeconds > 0 ? { EX: ttlSeconds } : undefined);
      }
      await transaction.exec();
    },
  };
}

async function main() {
  const store = kind === 'ours' ? ours() : kind === 'client' ? await client() : new Peer(url, ENTRIES);
  let latencies = [];
  let running = true;
  const visit = async (userId) => {
    await store.save(userId, record());
    while (running) {
      const began = performance.now();
      const item = await store.load(userId);
      item.user.data.visits += 1;
      await store.save(userId, item);
      latencies.push(performance.now() - began);
    }
    const { user } = await store.load(userId);
    if (!(user.data.visits > 42)) throw new Error('a visit was lost');
  };
  const visitors = Array.from({ length: users }, (_, user) => visit(`user-${user}`));
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  latencies = [];
  const [began, processor] = [performance.now(), process.cpuUsage()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const measured = latencies.sort((a, b) => a - b);
  const [elapsed, { user, system }] = [(performance.now() - began) / 1000, process.cpuUsage(processor)];
  const pairs = measured.length;
  console.log(JSON.stringify({ pairs: pairs / elapsed, p50: measured[pairs >> 1], p99: measured[Math.floor(pairs * 0.99)], cpu: (user + system) / pairs }));
  running = false;
  latencies = [];
  await Promise.all(visitors);
  process.exit(0);
}

main();
