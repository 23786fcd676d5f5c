// What the browser drivers need: headless Chromium, a page of another origin than the gateway, and an eye on its traffic.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { order, report } from './scenario.mjs';

/** Serves what `find` returns for a path, a content type and a file; the port differs from the gateway's, so every call is cross-origin. */
async function servePage(find) {
  const server = createServer(async (request, response) => {
    const found = find(new URL(request.url, 'http://page').pathname);
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': found[0] }).end(await readFile(found[1]));
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

/** Chromium that can reach nothing but this machine. */
function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}

/** Everything the page said to the gateway, in order, and whatever it tried to say to anybody else. */
class Traffic {
  answers = [];
  outside = [];
  console = [];
  refused = 0;
  #waiting = [];

  constructor(page, gatewayUrl, pageUrl) {
    page.on('console', (message) => { if (message.type() === 'error') this.console.push(message.text()); });
    page.on('pageerror', (error) => this.console.push(String(error)));
    page.on('request', (request) => {
      if (![gatewayUrl, pageUrl].some((known) => request.url().startsWith(known))) this.outside.push(request.url());
    });
    page.on('response', (response) => {
      if (!response.url().startsWith(gatewayUrl)) return;
      const path = response.url().slice(gatewayUrl.length).split('?')[0];
      this.answers.push({ method: response.request().method(), path, status: response.status() });
      this.#wake();
    });
    page.on('requestfailed', (request) => {
      if (request.url().startsWith(gatewayUrl)) this.refused += 1;
      this.#wake();
    });
  }

  #wake() {
    this.#waiting = this.#waiting.filter(({ test, done }) => !(test(this) && (done(), true)));
  }

  /** Resolves once `test` holds for the traffic so far; fails after a minute, saying what was seen. */
  until(what, test) {
    if (test(this)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${what}; seen: ${JSON.stringify(this.answers)}`)), 60_000);
      this.#waiting.push({ test, done: () => { clearTimeout(late); resolve(); } });
    });
  }

  posts(path) {
    return this.answers.filter((answer) => answer.method === 'POST' && answer.status === 200 && (!path || answer.path === path)).length;
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** Waits for the harness to say go on. */
export const nextLine = () => lines.next();

/** Runs the ordered scenario on a page whose SDK is there once `global` is, and reports what the page said and heard. */
export async function run(find, global, scenarios) {
  const server = await servePage(find);
  const pageUrl = `http://127.0.0.1:${server.address().port}/`;
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const traffic = new Traffic(page, order.url, pageUrl);
    await page.goto(pageUrl);
    await page.waitForFunction((name) => window[name], global);
    await scenarios[order.scenario](page, traffic);
    const { answers, outside, console } = traffic;
    const errors = answers.filter(({ status }) => status >= 400).map(({ method, path, status }) => ({ status, text: `${method} ${path}` }));
    report('done', { errors, answers, outside, console });
  } finally {
    await browser.close();
    server.close();
  }
  process.exit(0);
}
