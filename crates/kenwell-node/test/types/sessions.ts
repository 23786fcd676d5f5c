// What programs write that keep sessions must compile, without the types of any framework.
import { KenwellError, RedisStore, type Conflict } from '@kenwell/redis/express';
import { RedisAdapter } from '@kenwell/redis/grammy';

const sum = ({ path, base, theirs, mine }: Conflict): unknown => (path[0] === 'visits' ? theirs + mine - base : mine);

export async function sessions(): Promise<number> {
  const store = new RedisStore({ connectionString: 'redis://localhost', prefix: 'app:', ttl: 60, onConflict: sum });
  const session: { cookie: object; visits: number } | null = await store.get('id');
  if (session !== null) await store.set('id', session);
  store.destroy('id', (error) => {
    if (error instanceof KenwellError && error.code === 'KENWELL_CONFLICT') throw error;
  });
  const adapter = new RedisAdapter<{ count: number }>({ connectionString: 'redis://localhost', initial: () => ({ count: 0 }) });
  let count = (await adapter.read('chat'))?.count ?? 0;
  for await (const value of adapter.readAllValues()) count += value.count;
  return count + (await store.length());
}
