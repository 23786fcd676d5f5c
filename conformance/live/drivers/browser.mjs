// @rudderstack/analytics-js/bundled, unmodified, in headless Chromium, on a page of another origin than the gateway.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { order, report, zoe, zoeLater } from './scenario.mjs';

const sdkFile = fileURLToPath(import.meta.resolve('@rudderstack/analytics-js/bundled'));
const files = {
  '/': ['text/html; charset=utf-8', new URL('page.html', import.meta.url)],
  '/sdk.mjs': ['text/javascript; charset=utf-8', sdkFile],
};

/** Serves the page and the SDK; the port differs from the gateway's, so every call is cross-origin. */
async function servePage() {
  const server = createServer(async (request, response) => {
    const found = files[new URL(request.url, 'http://page').pathname];
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

/** Loads the SDK on the page with the given options; resolves when it says it is ready. */
function load(page, options, expectReady = true) {
  return page.evaluate(([writeKey, url, loadOptions, mustBeReady]) => new Promise((resolve) => {
    window.analytics = new window.RudderAnalytics();
    if (mustBeReady) window.analytics.ready(resolve);
    window.analytics.load(writeKey, url, { configUrl: url, logLevel: 'ERROR', ...loadOptions });
    if (!mustBeReady) resolve();
  }), [order.writeKey, order.url, options, expectReady]);
}

const single = (page) => page.evaluate(
  (user) => window.analytics.identify(user, { sdk: 'browser', nested: { works: true } }), order.user);

const scenarios = {
  async single(page, traffic) {
    await load(page, {});
    await single(page);
    await traffic.until('answered identify', (seen) => seen.posts('/v1/identify') === 1);
  },

  async everything(page, traffic) {
    await load(page, {});
    await page.evaluate((first) => {
      const { analytics } = window;
      analytics.identify({ visits: 3 });            // anonymous: no user id yet
      analytics.reset();
      analytics.identify('zoe', first);
    }, zoe);
    // Every event is a request of its own, several at once: two calls of the same moment may arrive in either order.
    await traffic.until('answered identifies', (seen) => seen.posts('/v1/identify') === 2);
    await page.evaluate((later) => {
      const { analytics } = window;
      analytics.identify('zoe', later);
      analytics.track('Order Completed', { total: 9.99 });
      analytics.page('Docs', 'Home', { path: '/' });
      analytics.group('acme', { employees: 7 });
      analytics.alias('zoe-new', 'zoe');
      analytics.reset();
      analytics.identify(12345, { numeric: true });
    }, zoeLater);
    await traffic.until('eight answered calls', (seen) => seen.posts() === 8);
  },

  async batch(page, traffic) {
    await load(page, {
      sendAdblockPage: true,
      queueOptions: { batch: { enabled: true, maxItems: 3, flushInterval: 1000 } },
    });
    await single(page);
    await page.evaluate(() => { window.analytics.track('One'); window.analytics.track('Two'); });
    await traffic.until('answered batch', (seen) => seen.posts('/v1/batch') >= 1);
    await traffic.until('adblock probe', (seen) => seen.answers.some(({ method }) => method === 'HEAD'));
  },

  async beacon(page) {
    await load(page, { useBeacon: true });
    await single(page);
    // Beacons leave when the page does. Nobody on the page sees the answer: only Redis can tell.
    await page.goto('about:blank');
    report('page left');
    await nextLine();
  },

  /** The key is wrong, or the source is switched off: the SDK must be told and must send nothing. */
  async refused(page, traffic) {
    await load(page, {}, false);
    await traffic.until('answered source configuration', (seen) => seen.answers.some(({ method }) => method === 'GET'));
    await single(page);
    await page.evaluate(() => new Promise((idle) => { requestIdleCallback(idle); }));
  },

  /** The gateway goes away after the page has loaded, and comes back: the SDK's own retry must get through. */
  async restart(page, traffic) {
    await load(page, {});
    report('loaded');
    await nextLine();
    await single(page);
    await traffic.until('refused identify', (seen) => seen.refused > 0);
    report('refused');
    await traffic.until('answered identify', (seen) => seen.posts('/v1/identify') === 1);
  },
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** Waits for the harness to say go on. */
const nextLine = () => lines.next();

const server = await servePage();
const pageUrl = `http://127.0.0.1:${server.address().port}/`;
const browser = await openBrowser();
try {
  const page = await browser.newPage();
  const traffic = new Traffic(page, order.url, pageUrl);
  await page.goto(pageUrl);
  await page.waitForFunction(() => window.RudderAnalytics);
  await scenarios[order.scenario](page, traffic);
  const { answers, outside, console } = traffic;
  const errors = answers.filter(({ status }) => status >= 400).map(({ method, path, status }) => ({ status, text: `${method} ${path}` }));
  report('done', { errors, answers, outside, console });
} finally {
  await browser.close();
  server.close();
}
process.exit(0);
