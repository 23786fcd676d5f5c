// What bots of grammY write compiles, in strict mode.
import { Bot, type Context, session, type SessionFlavor, type StorageAdapter } from 'grammy';
import { RedisAdapter } from '@kenwell/redis/grammy';

interface Visits {
  count: number;
}

const storage = new RedisAdapter<Visits>({ connectionString: 'redis://localhost', ttl: 86_400, initial: () => ({ count: 0 }) });
const adapter: StorageAdapter<Visits> = storage;

export const bot = new Bot<Context & SessionFlavor<Visits>>('token');
bot.use(session({ storage: adapter }));
bot.on('message', (context) => {
  context.session.count += 1;
});

export async function names(): Promise<string[]> {
  const all: string[] = [];
  for await (const [key, { count }] of storage.readAllEntries()) if (count > 0) all.push(key);
  return all;
}

// @ts-expect-error another session
new RedisAdapter<Visits>({ connectionString: 'redis://localhost', initial: () => ({ total: 0 }) });
