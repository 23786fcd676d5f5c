// The package's main entry compiles where Jovo is not installed; only RedisDb has no types then.
import { KenwellError, StateStore, transport, type StateRecord } from '@kenwell/redis';

export async function visits(userId: string): Promise<number> {
  const record: StateRecord | null = await new StateStore({ connectionString: 'redis://localhost' }).load(userId);
  // @ts-expect-error an option that there is not: the types are there
  void new StateStore({ connectionString: 'redis://localhost', entires: [] });
  return record?.user?.data.visits ?? (transport.native ? 0 : Number(new Error() instanceof KenwellError));
}
