// Overlapping requests of one express session, with our store and with connect-redis, on the same Redis in one run: what is lost,
// and how many requests a second there are. Prints a table; fails when ours loses anything.
//
//   node overlap.js [--rounds 1000] [--seconds 2]
'use strict';

const { fork } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');

const { Redis } = require('../../crates/kenwell-node/test/support/redis');

/** Requests that overlap in a round: each sets a field of its own. */
const TOGETHER = 4;
/** Browsers that send requests at the same time while speed is measured, each with a session of its own. */
const BROWSERS = 32;
/** Turns in which each store is measured, one after the other. */
const TURNS = 3;

const option = (name, fallback) => (process.argv.includes(`--${name}`) ? Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) : fallback);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** The app, in a process of its own. */
async function serve(kind, url) {
  const express = require('express');
  const session = require('express-session');
  const app = express();
  app.use(session({ store: await storeOf(kind, url), secret: 'keyboard cat', resave: false, saveUninitialized: false, cookie: { maxAge: 3_600_000 } }));
  let waiting = [];
  app.get('/begin', (request, response) => {
    request.session.user = { name: 'Ada Lovelace', roles: ['admin', 'author'], since: '2026-01-01T00:00:00.000Z' };
    response.end();
  });
  // All of a round have read the session before the first one goes on.
  app.get('/set/:name', async (request, response) => {
    await new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length < TOGETHER) return;
      for (const go of waiting) go();
      waiting = [];
    });
    request.session[request.params.name] = true;
    response.end();
  });
  // What was set, and an empty session for the next round.
  app.get('/fields', (request, response) => {
    const fields = Object.keys(request.session).filter((name) => name.startsWith('field'));
    for (const name of fields) delete request.session[name];
    response.json(fields);
  });
  app.get('/count', (request, response) => {
    request.session.count = (request.session.count ?? 0) + 1;
    response.end(String(request.session.count));
  });
  // Each store waits while the other one is measured.
  const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
  server.keepAliveTimeout = 0;
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
}

async function storeOf(kind, url) {
  if (kind === 'ours') {
    const { RedisStore } = require('../../crates/kenwell-node/express');
    return new RedisStore({ connectionString: url });
  }
  const { RedisStore } = require('connect-redis');
  return new RedisStore({ client: await require('redis').createClient({ url }).connect() });
}

class Browser {
  constructor(port, agent, cookie) {
    Object.assign(this, { port, agent, cookie });
  }

  async get(path) {
    const request = http.get({ host: '127.0.0.1', port: this.port, path, agent: this.agent, headers: this.cookie ? { cookie: this.cookie } : {} });
    const [response] = await once(request, 'response');
    this.cookie = response.headers['set-cookie']?.[0].split(';')[0] ?? this.cookie;
    let text = '';
    for await (const chunk of response) text += chunk;
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${text}`);
    return text;
  }
}

/** How many fields of the overlapping requests were lost. */
async function lost(port, agent, rounds) {
  const browser = new Browser(port, agent);
  await browser.get('/begin');
  let missing = 0;
  for (let round = 0; round < rounds; round++) {
    const requests = Array.from({ length: TOGETHER }, (_, index) => new Browser(port, agent, browser.cookie).get(`/set/field${round}-${index}`));
    await Promise.all(requests);
    missing += TOGETHER - JSON.parse(await browser.get('/fields')).length;
  }
  return missing;
}

/** Requests a second, each of which changes its session, and what the app's process needs for one, in microseconds. */
async function speed({ child, port }, agent, seconds) {
  const before = await cpu(child);
  const end = Date.now() + seconds * 1000;
  let requests = 0;
  const browse = async () => {
    const browser = new Browser(port, agent);
    await browser.get('/begin');
    for (; Date.now() < end; requests++) await browser.get('/count');
  };
  await Promise.all(Array.from({ length: BROWSERS }, browse));
  return { requests: requests / seconds, cpu: ((await cpu(child)) - before) / requests };
}

async function cpu(child) {
  child.send('cpu');
  const [microseconds] = await once(child, 'message');
  return microseconds;
}

async function main() {
  const [rounds, seconds] = [option('rounds', 1000), option('seconds', 1)];
  const redis = await Redis.start();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const kinds = ['ours', 'connect-redis'];
  const results = Object.fromEntries(kinds.map((kind) => [kind, { speeds: [] }]));
  const children = [];
  try {
    for (const kind of kinds) {
      const child = fork(__filename, ['--serve', kind, redis.url]);
      children.push(child);
      results[kind].child = child;
      [results[kind].port] = await once(child, 'message');
      results[kind].lost = await lost(results[kind].port, agent, rounds);
    }
    // In turns, so that whatever else the machine does falls on both.
    for (let turn = 0; turn < TURNS; turn++) for (const kind of kinds) results[kind].speeds.push(await speed(results[kind], agent, seconds));
    console.log(`\n| store | rounds of ${TOGETHER} overlapping requests | fields set | lost | requests a second | CPU µs a request |`);
    console.log('|---|--:|--:|--:|--:|--:|');
    for (const kind of kinds) {
      const of = (field) => median(results[kind].speeds.map((turn) => turn[field])).toFixed(0);
      console.log(`| ${kind} | ${rounds} | ${rounds * TOGETHER} | ${results[kind].lost} | ${of('requests')} | ${of('cpu')} |`);
    }
    if (results.ours.lost > 0) throw new Error(`ours lost ${results.ours.lost} fields`);
  } finally {
    agent.destroy();
    for (const child of children) child.kill('SIGKILL');
    await redis.stop();
  }
}

if (process.argv[2] === '--serve') serve(process.argv[3], process.argv[4]);
else main();
