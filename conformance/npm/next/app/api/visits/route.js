// What conformance/npm/support/world.mjs does in every other place.
import { StateStore, transport } from '@kenwell/redis/state';

export const dynamic = 'force-dynamic';

async function visits(options) {
  const store = new StateStore(options);
  await store.save('ada', { user: { data: { visits: 1 } } });
  return (await store.load('ada')).user.data.visits;
}

export async function GET() {
  const standalone = await visits({ connectionString: process.env.REDIS_URL });
  const cluster = await visits({ connectionString: process.env.CLUSTER_URL, cluster: true });
  return new Response(`standalone ${standalone}, cluster ${cluster}, native ${transport.native}`);
}
