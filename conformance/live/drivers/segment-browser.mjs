// @segment/analytics-next, unmodified, in headless Chromium, on a page of another origin than the gateway.
import { fileURLToPath } from 'node:url';
import { run } from './page.mjs';
import { order, zoe, zoeLater } from './scenario.mjs';

const sdk = new URL('../node_modules/@segment/analytics-next/dist/umd/', import.meta.url);

/** The page, or one of the SDK's files, which load each other by name. */
function find(path) {
  if (path === '/') return ['text/html; charset=utf-8', new URL('segment-page.html', import.meta.url)];
  const name = /^\/sdk\/([\w.-]+\.js)$/.exec(path)?.[1];
  return name && ['text/javascript; charset=utf-8', fileURLToPath(new URL(name, sdk))];
}

/** Loads the SDK with nothing but URL and key; resolves when it says it is ready. */
const load = (page, options = {}) => page.evaluate(async ([writeKey, cdnURL, loadOptions]) => {
  window.analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL }, loadOptions);
  await window.analytics.ready();
}, [order.writeKey, order.url, options]);

const single = (page) => page.evaluate(
  ([user, name]) => window.analytics.identify(user, { sdk: name, nested: { works: true } }), [order.user, order.sdk]);

const answered = (path, calls) => (seen) => seen.answers.filter(
  (answer) => answer.method === 'POST' && (!path || answer.path === path)).length === calls;

await run(find, 'AnalyticsNext', {
  async single(page, traffic) {
    await load(page);
    await single(page);
    await traffic.until('answered identify', answered('/v1/i', 1));
  },

  async everything(page, traffic) {
    await load(page);
    await page.evaluate(async ([first, later]) => {
      const { analytics } = window;
      await analytics.identify({ visits: 3 });            // anonymous: no user id yet
      await analytics.reset();
      await analytics.identify('zoe', first);
      await analytics.identify('zoe', later);
      await analytics.track('Order Completed', { total: 9.99 });
      await analytics.page('Docs', 'Home', { path: '/' });
      await analytics.screen('App', 'Start');
      await analytics.group('acme', { employees: 7 });
      await analytics.alias('zoe-new', 'zoe');
    }, [zoe, zoeLater]);
    await traffic.until('eight answered calls', answered('', 8));
  },

  async batch(page, traffic) {
    await load(page, {
      integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 3, timeout: 1000 } } } },
    });
    await single(page);
    await page.evaluate(() => { window.analytics.track('One'); window.analytics.track('Two'); });
    await traffic.until('answered batch', answered('/v1/b', 1));
  },
});
