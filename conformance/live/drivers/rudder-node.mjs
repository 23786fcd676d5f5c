// @rudderstack/rudder-sdk-node, unmodified.
import Analytics from '@rudderstack/rudder-sdk-node';
import { order, report, zoe, zoeLater } from './scenario.mjs';

const errors = [];
const analytics = new Analytics(order.writeKey, {
  dataPlaneUrl: order.url,
  gzip: order.gzip,
  errorHandler: (error) => {
    errors.push({ status: error.response?.status ?? 0, text: String(error.response?.data ?? error.message) });
  },
});

const scenarios = {
  single() {
    analytics.identify({ userId: order.user, traits: { sdk: order.sdk, nested: { works: true } } });
  },
  everything() {
    const userId = 'zoe';
    analytics.identify({ userId, traits: { ...zoe, when: new Date(zoe.when) } });
    analytics.identify({ userId, traits: zoeLater });
    analytics.identify({ userId: 12345, traits: { numeric: true } });
    analytics.identify({ userId: 'opted-out', traits: { a: 1 }, integrations: { All: false } });
    analytics.identify({ userId: 'opted-in', traits: { a: 1 }, integrations: { All: false, Redis: true } });
    analytics.identify({ anonymousId: 'anon-1', traits: { visits: 3 } });
    analytics.identify({ userId: 'no-traits' });
    analytics.track({ userId, event: 'Order Completed', properties: { total: 9.99 }, context: { traits: { fromTrack: 1 } } });
    analytics.page({ userId, name: 'Home', properties: { path: '/' } });
    analytics.screen({ userId, name: 'Start' });
    analytics.group({ userId, groupId: 'acme', traits: { employees: 7 } });
    analytics.alias({ userId: 'zoe-new', previousId: userId });
  },
  async ordered() {
    // Batches travel at once, so a user's next update waits until the one before has arrived.
    for (let step = 1; step <= order.steps; step += 1) {
      await new Promise((answered) => {
        analytics.identify({ userId: order.user, traits: { step } }, answered);
        analytics.flush();
      });
    }
  },
};

await scenarios[order.scenario]();
// Without an error handler a refusal would end this process, so the handler collects it instead.
await analytics.flush();
await analytics.flush();
report('done', { errors });
