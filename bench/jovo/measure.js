// One measurement in a process of its own: so many users, each of whom loads, changes and saves its record again and
// again. `node measure.js KIND USERS ENTRIES SECONDS URL`
'use strict';

const fs = require('fs');

const PACKAGE = '../../crates/kenwell-node';

const [, , kind, users, entryCount, seconds, url] = process.argv.map((text) => (/^[\d.]+$/.test(text) ? Number(text) : text));
const WARM_UP_MS = 500;

const ENTRIES = {
  1: [{ id: 'data', user: true, session: true, history: true, createdAt: true, updatedAt: true, ttlSeconds: 1200 }],
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
  const { RedisDb } = require(PACKAGE);
  const plugin = new RedisDb({ connectionString: url, entries: ENTRIES });
  plugin.applyPersistableData = async (jovo, item) => Object.assign(item, jovo);
  return { load: (userId) => plugin.getDbItem(userId, undefined), save: (userId, item) => plugin.saveData(userId, item) };
}

/** The same by a client library. */
async function client() {
  const { read, write } = await require('./clients').clients[kind](url);
  return {
    async load(userId) {
      const texts = await read(ENTRIES.map(({ id }) => `${id}:${userId}`));
      let item = {};
      for (const text of texts) if (text) item = { ...item, ...JSON.parse(text) };
      return item;
    },
    async save(userId, item) {
      const writes = ENTRIES.map(({ id, ttlSeconds = 0, ...elements }) => {
        const part = {};
        for (const element of Object.keys(elements)) if (item[element]) part[element] = item[element];
        return { key: `${id}:${userId}`, text: JSON.stringify(part), ttl: ttlSeconds };
      });
      await write(writes);
    },
  };
}

/** What a connection for each call costs, as Jovo's own plugin makes it. */
function connectionForEachCall() {
  const { Peer } = require(`${PACKAGE}/test/support/peer`);
  return new Peer(url, ENTRIES);
}

async function open() {
  if (kind === 'ours' || kind === 'ours, native') return ours();
  return kind === 'a connection for each call' ? connectionForEachCall() : client();
}

/** Of all threads, and of the one that runs JavaScript: µs of processor time; and how often one of them went to sleep. */
function usage() {
  const threads = fs.readdirSync('/proc/self/task').map((thread) => {
    const read = (file) => fs.readFileSync(`/proc/self/task/${thread}/${file}`, 'utf8');
    return { thread: Number(thread), cpu: Number(read('schedstat').split(' ')[0]) / 1000, sleeps: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(read('status'))[1]) };
  });
  const sum = (field) => threads.reduce((total, thread) => total + thread[field], 0);
  return { cpu: sum('cpu'), script: threads.find(({ thread }) => thread === process.pid).cpu, sleeps: sum('sleeps') };
}

async function main() {
  const store = await open();
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
  const [began, before] = [performance.now(), usage()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const [elapsed, after] = [(performance.now() - began) / 1000, usage()];
  const measured = latencies.sort((a, b) => a - b);
  const pairs = measured.length;
  const each = (field) => (after[field] - before[field]) / pairs;
  console.log(JSON.stringify({ pairs: pairs / elapsed, p50: measured[pairs >> 1], p99: measured[Math.floor(pairs * 0.99)], cpu: each('cpu'), script: each('script'), sleeps: each('sleeps') }));
  running = false;
  latencies = [];
  await Promise.all(visitors);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
