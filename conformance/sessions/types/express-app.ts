// What programs with express-session write compiles, in strict mode.
import session from 'express-session';
import { KenwellError, RedisStore, type RedisStoreOptions } from '@kenwell/redis/express';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

const options: RedisStoreOptions = {
  connectionString: 'redis://localhost',
  ttl: (kept: session.SessionData) => kept.visits * 60,
  encryption: { keys: [{ id: '2026', secret: 'ab'.repeat(32) }], acceptPlaintext: true },
  hashIds: { secret: 'sixteen bytes or more' },
  onConflict: ({ path, base, theirs, mine }) => (path[0] === 'visits' ? theirs + mine - base : mine),
};
const store = new RedisStore(options);

export const middleware = session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false });

export async function look(sid: string): Promise<number> {
  const kept: session.SessionData | null = await store.get(sid);
  if (kept !== null) await store.set(sid, kept);
  store.destroy(sid, (error) => {
    if (error instanceof KenwellError) throw error;
  });
  const ids: string[] = await store.ids();
  return ids.length + (await store.length()) + (kept?.visits ?? 0);
}

// @ts-expect-error a misspelt option
new RedisStore({ connectionString: 'redis://localhost', encription: {} });
// @ts-expect-error no such way
new RedisStore({ connectionString: 'redis://localhost', onConflict: 'both' });
