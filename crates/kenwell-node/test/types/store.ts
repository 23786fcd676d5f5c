// What a program without Jovo writes must compile, without Jovo's types.
import { KenwellError, StateStore, transport } from '@kenwell/redis/state';

export async function visit(userId: string): Promise<number> {
  const store = new StateStore({ connectionString: 'redis://localhost', profile: { prefix: 'app' }, cluster: { nodes: ['a:1'] } });
  const record = (await store.load(userId)) ?? { user: { data: { visits: 0 } } };
  record.user ??= { data: { visits: 0 } };
  record.user.data.visits += 1;
  try {
    await store.saveIfUnchanged(userId, record);
  } catch (error) {
    if (error instanceof KenwellError && error.code === 'KENWELL_CONFLICT' && !transport.native) return 0;
    throw error;
  }
  await store.save(userId, record);
  const many = await store.loadMany(['a', 'b']);
  const gone: boolean = await store.delete(userId);
  return gone ? many.length : record.user.data.visits;
}
