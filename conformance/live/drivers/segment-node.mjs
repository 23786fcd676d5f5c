// @segment/analytics-node, unmodified, in the version that SDK_PACKAGE names.
import { order, report, zoe, zoeLater } from './scenario.mjs';

const { Analytics } = await import(order.package);
const errors = [];
const analytics = new Analytics({
  writeKey: order.writeKey,
  host: order.url,
  flushAt: order.scenario === 'ordered' ? 1 : 50,
});
// This SDK never shows its user the words of an answer, only its status.
analytics.on('error', (error) => {
  const text = String(error.reason);
  errors.push({ status: Number(/\[(\d+)\]/.exec(text)?.[1] ?? 0), text });
});

const scenarios = {
  single() {
    analytics.identify({ userId: order.user, traits: { sdk: order.sdk, nested: { works: true } } });
  },
  everything() {
    const userId = 'zoe';
    analytics.identify({ userId, traits: { ...zoe, when: new Date(zoe.when) } });
    // This SDK lets an empty user id through; it must not take its neighbours in the batch down.
    analytics.identify({ userId: '', traits: { poison: true } });
    analytics.identify({ userId, traits: zoeLater });
    analytics.identify({ userId: 'overlay', traits: { a: 1 }, context: { traits: { a: 2, old: 'x' } } });
    analytics.identify({ userId: 'opted-out', traits: { a: 1 }, integrations: { All: false } });
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
      await new Promise((answered) => analytics.identify({ userId: order.user, traits: { step } }, answered));
    }
  },
};

await scenarios[order.scenario]();
await analytics.closeAndFlush({ timeout: 60_000 });
report('done', { errors });
