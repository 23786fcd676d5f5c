// Types of @kenwell/redis/grammy. They need no grammY, and are its StorageAdapter.
import type { Connection } from './state';
import type { OnConflict, SessionEncryption } from './sessions';

export { KenwellError } from './state';
export type { KenwellErrorCode } from './state';
export type { Conflict, OnConflict, SessionEncryption } from './sessions';

export interface RedisAdapterOptions<T> extends Connection {
  /** Stands before the session's name in keys, and is no part of the names that are listed. Default: none, as with @grammyjs/storage-redis. */
  prefix?: string;
  /** How long a session is kept after it was saved, in seconds. Default: for ever. */
  ttl?: number;
  /** Texts that look like dates of JSON become dates. Default: false. */
  autoParseDates?: boolean;
  /** Makes the session of a chat that has none; given here rather than to `session()`, first updates that overlap are merged too. */
  initial?: () => T | Promise<T>;
  /** What becomes of a value that two overlapping updates have both changed. Default: "merge", and the later write wins it. */
  onConflict?: OnConflict;
  /** Encrypts what is stored. */
  encryption?: SessionEncryption;
  /** Keys hold an HMAC of the session's name instead of the name. The secret has at least 16 bytes, and cannot be changed later. */
  hashIds?: { secret: string };
  /** Largest session in bytes. Default: 16 MiB. */
  maxValueBytes?: number;
}

/** A `StorageAdapter` for grammY's sessions. */
export declare class RedisAdapter<T> {
  /** Connects when first used. Throws KENWELL_SETTINGS. */
  constructor(options: RedisAdapterOptions<T>);
  read(key: string): Promise<T | undefined>;
  /**
   * Saves a session. When it is the object that was read, what others have changed in it since stays, and a session that is gone does not
   * come back; any other value replaces what is stored.
   */
  write(key: string, value: T): Promise<void>;
  delete(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
  readAllKeys(): AsyncGenerator<string, void, undefined>;
  readAllValues(): AsyncGenerator<T, void, undefined>;
  readAllEntries(): AsyncGenerator<[key: string, value: T], void, undefined>;
  /**
   * Lets no more calls begin (KENWELL_CLOSED), waits for those that have, at most `timeoutMs` (default: `commandTimeoutMs`), and closes
   * the connection unless others use it. KENWELL_TIMEOUT when calls were still under way. A process also ends without it.
   */
  close(options?: { timeoutMs?: number }): Promise<void>;
}
