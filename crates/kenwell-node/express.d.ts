// Types of @kenwell/redis/express. They need neither express-session nor @fastify/session, and fit both.
import { EventEmitter } from 'events';
import type { Connection } from './state';
import type { OnConflict, SessionEncryption } from './sessions';

export { KenwellError } from './state';
export type { KenwellErrorCode } from './state';
export type { Conflict, OnConflict, SessionEncryption } from './sessions';

export interface Serializer {
  /** A session from what `stringify` gave, or a promise of it. */
  parse(text: string): any;
  stringify(session: any): string;
}

export interface RedisStoreOptions extends Connection {
  /** Stands before the session's id in keys. Default: "sess:", as with connect-redis. */
  prefix?: string;
  /**
   * How long a session is kept whose cookie has no end, in seconds; or a function that says it of each session, with 0 for one that is
   * over. Default: 86400, a day. Sessions whose cookie has an end are kept until then.
   */
  ttl?: number | ((session: any) => number);
  /** Sessions are kept for ever, whatever their cookies say. Default: false. */
  disableTTL?: boolean;
  /** Only saves begin a session's time anew. Default: false. */
  disableTouch?: boolean;
  /** Default: JSON. What it makes must be objects, arrays and simple values for overlapping saves to be merged. */
  serializer?: Serializer;
  /** Keys that Redis looks at for one step of `all`, `ids`, `length` and `clear`. Default: 100. */
  scanCount?: number;
  /** What becomes of a value that two overlapping requests have both changed. Default: "merge", and the later save wins it. */
  onConflict?: OnConflict;
  /** Encrypts what is stored. */
  encryption?: SessionEncryption;
  /** Keys hold an HMAC of the session's id instead of the id. The secret has at least 16 bytes, and cannot be changed later. */
  hashIds?: { secret: string };
  /** Largest session in bytes. Default: 16 MiB. */
  maxValueBytes?: number;
}

/** A store for `express-session` and `@fastify/session`. Methods without a callback give promises. */
export declare class RedisStore extends EventEmitter {
  /** Connects when first used. Throws KENWELL_SETTINGS. */
  constructor(options: RedisStoreOptions);
  readonly prefix: string;
  readonly ttl: number | ((session: any) => number);
  readonly disableTTL: boolean;
  readonly disableTouch: boolean;
  readonly serializer: Serializer;
  readonly scanCount: number;

  /** The session, or null when there is none. */
  get(sid: string, callback: (error: any, session?: any) => void): void;
  get(sid: string): Promise<any>;
  /**
   * Saves a session. When it was read from here, what others have changed in it since stays, and a session that is gone does not come
   * back; any other object replaces what is stored.
   */
  set(sid: string, session: any, callback: (error?: any) => void): void;
  set(sid: string, session: any): Promise<null>;
  /** The session's time begins anew. Its cookie is saved if it says something else than before. */
  touch(sid: string, session: any, callback: () => void): void;
  touch(sid: string, session: any): Promise<null>;
  destroy(sid: string, callback: (error?: any) => void): void;
  destroy(sid: string): Promise<null>;
  /** All sessions, each with its `id`. */
  all(callback: (error: any, sessions?: any) => void): void;
  all(): Promise<any[]>;
  ids(callback: (error: any, ids?: string[]) => void): void;
  ids(): Promise<string[]>;
  length(callback: (error: any, length?: any) => void): void;
  length(): Promise<number>;
  clear(callback: (error?: any) => void): void;
  clear(): Promise<null>;
  /**
   * Lets no more calls begin (KENWELL_CLOSED), waits for those that have, at most `timeoutMs` (default: `commandTimeoutMs`), and closes
   * the connection unless others use it. KENWELL_TIMEOUT when calls were still under way. A process also ends without it.
   */
  close(options?: { timeoutMs?: number }): Promise<void>;

  // What express-session's own class has.
  regenerate(request: any, callback: (error?: any) => any): void;
  load(sid: string, callback: (error: any, session?: any) => any): void;
  createSession(request: any, session: any): any;
}
