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
  const visits = await store.update(userId, (found) => { found.user.data.visits += 1; }, { attempts: 5, ttlSeconds: 60 });
  await store.update(userId, async ({ user }) => ({ user: { data: { ...user.data, visits } } }));
  if (await store.has(userId)) await store.touch(userId, { ttlSeconds: 60 });
  for (const { entry, key, value, expiresInMs } of await store.list(userId)) console.log(entry, String(key), value?.length, expiresInMs ?? 'for ever');
  const turns = new StateStore({ connectionString: 'redis://localhost', historyList: { id: 'turns', size: 10 }, storedElements: { session: { expiresAfterSeconds: 60 }, history: false } });
  await turns.appendHistory(userId, [{ text: 'hi' }]);
  console.log((await turns.history(userId)).length);
  await turns.close({ timeoutMs: 1000 });
  // @ts-expect-error there is no such option
  new StateStore({ connectionString: 'redis://localhost', encrypton: {} });
  // @ts-expect-error nor such a part
  await store.save(userId, { usr: {} });
  const many = await store.loadMany(['a', 'b']);
  const gone: boolean = await store.delete(userId);
  return gone ? many.length : record.user.data.visits;
}
