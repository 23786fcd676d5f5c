// @rudderstack/analytics-js/bundled, unmodified, in headless Chromium, on a page of another origin than the gateway.
import { fileURLToPath } from 'node:url';
import { nextLine, run } from './page.mjs';
import { order, report, zoe, zoeLater } from './scenario.mjs';

const sdkFile = fileURLToPath(import.meta.resolve('@rudderstack/analytics-js/bundled'));
const files = {
  '/': ['text/html; charset=utf-8', new URL('page.html', import.meta.url)],
  '/sdk.mjs': ['text/javascript; charset=utf-8', sdkFile],
};

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

await run((path) => files[path], 'RudderAnalytics', scenarios);
