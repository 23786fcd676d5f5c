// Types of the state store, and what it shares with the Jovo plugin.

declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Which Redis, and how to reach it. */
export interface Connection {
  /**
   * `redis[s]://[[user]:password@]host[:port][/database]` (or `valkey[s]://`), `unix:///path/to/redis.sock[?db=database]`, or
   * a connection string of Azure (`host:6380,password=…,ssl=True`). `?ssl_cert_reqs=none` is `tls.skipVerify`.
   */
  connectionString: string;
  /** For `rediss:`, or instead of it. PEM text, or the path of a PEM file. */
  tls?: boolean | TlsOptions;
  /** A Redis Cluster; its nodes, if the connection string's host is not enough to start from. */
  cluster?: boolean | { nodes: string[] };
  /** Sentinels; `nodes` are their addresses, unless the connection string has one. */
  sentinel?: { master: string; nodes?: string[]; username?: string; password?: string };
  /**
   * Where the servers that a cluster or Sentinels name are from here, when they know each other by other addresses, as
   * behind address translation or in a network of containers: `{ '10.0.0.5:6379': '127.0.0.1:7001' }`, or host to host.
   */
  addressMap?: Record<string, string>;
  /** Longest time for opening a connection, in milliseconds. Default: 5000. */
  connectTimeoutMs?: number;
  /**
   * Longest time for one call, in milliseconds, from its beginning: hooks, waiting, connecting, sending and repeating
   * included. Default: 5000. After a process stood still (frozen, or its event loop blocked), up to a second more is given.
   */
  commandTimeoutMs?: number;
}

export interface TlsOptions {
  /**
   * The authorities to trust instead of the system's. With them, at a loopback address the certificate may be for any of
   * `localhost`, `127.0.0.1` and `::1`.
   */
  ca?: string;
  /** Our certificate, for servers that want one; with `key`. */
  cert?: string;
  key?: string;
  /** The name in the server's certificate, when it is not the host. */
  serverName?: string;
  /** Accepts any certificate: anyone on the way can read and change what is sent. */
  skipVerify?: boolean;
}

export interface Encryption {
  /** The first one encrypts, all of them decrypt. `secret`: 32 bytes as 64 hexadecimal digits or base64. */
  keys: { id: string; secret: string }[];
  /** The ids of the entries to encrypt. Default: all. */
  entries?: string[];
  /** Also reads values that are not encrypted yet. Default: they are an error. */
  acceptPlaintext?: boolean;
}

export interface HashUserIds {
  /** At least 16 bytes. It cannot be changed later: all keys would get other names. */
  secret: string;
}

export interface EntryConfig {
  /** Part of the key. */
  id: string;
  user?: boolean;
  session?: boolean;
  history?: boolean;
  createdAt?: boolean;
  updatedAt?: boolean;
  /** How long Redis keeps it after a save, in whole seconds. Default, and 0: for ever. */
  ttlSeconds?: number;
}

/**
 * Which parts of a record are stored. What is not named is stored as it is: sessions are never over then, and histories are
 * not cut.
 */
export interface StoredElements {
  user?: boolean | { enabled?: boolean };
  /** A session that was not loaded for `expiresAfterSeconds` (900) is over: the record is loaded without it. */
  session?: boolean | { enabled?: boolean; expiresAfterSeconds?: number };
  /** The newest `size` (3) turns are kept; of new ones the chosen `fields`, or all. */
  history?: boolean | { enabled?: boolean; size?: number; fields?: string[] };
  createdAt?: boolean;
  updatedAt?: boolean;
}

/** A list of turns beside the record, for `appendHistory` and `history`. */
export interface HistoryListConfig {
  /** Part of the key, like that of an entry; no entry has the same. */
  id: string;
  /** How many turns are kept, 1 to 10,000. */
  size: number;
  /** The fields of a turn that are kept, in their order. Default: turns as they are. */
  fields?: string[];
  /** How long Redis keeps the list after a turn was added, in whole seconds. Default, and 0: for ever. */
  ttlSeconds?: number;
}

/** How one save differs from others. */
export interface SaveOptions {
  /** How long Redis keeps all entries after this, in whole seconds; 0: for ever. Default: each entry's own time. */
  ttlSeconds?: number;
}

export interface UpdateOptions extends SaveOptions {
  /** How often it begins at most, 1 to 10,000. Default: 100. */
  attempts?: number;
}

/** What lies at one of a user's keys. */
export interface StoredEntry {
  /** The id of the entry, or of the list of turns. */
  entry: string;
  key: string | Buffer;
  /** As it is stored: encoded, and encrypted where it is. A Buffer when it is no UTF-8, null when it is no string. */
  value: string | Buffer | null;
  /** How long Redis will keep it, in milliseconds; null: for ever. */
  expiresInMs: number | null;
}

/** A user's traits: names and values as Kenwell stores them. */
export type Profile = Readonly<Record<string, string>>;

/** What is stored of a user, in the form that Jovo stores it in. */
export interface StateRecord {
  user?: { data: any };
  session?: { id?: string; data?: any; state?: any; createdAt?: string; updatedAt?: string };
  history?: { items: any[] };
  /** ISO 8601 in UTC. Set by the first save; it stays when the same record, or a copy that shares its parts, is saved again. */
  createdAt?: string;
  /** Set by every save. No two versions of a record have the same, so it is what `saveIfUnchanged` knows a copy by. */
  updatedAt?: string;
  /** With the option `profile`: the user's traits. Not enumerable, and never saved. */
  readonly profile?: Profile;
}

export interface StateStoreOptions extends Connection {
  /** Stands before all keys. Default: none. */
  keyPrefix?: string;
  /** Stands between the parts of a key. Default: ":". */
  keySeparator?: string;
  /** The records of a user. Default: one, "data", with everything. */
  entries?: EntryConfig[];
  /** How long Redis keeps entries, and the list of turns, that do not say it themselves, in whole seconds. Default, and 0: for ever. */
  ttlSeconds?: number;
  /** Which parts are stored, when sessions are over, how long histories are. Default: everything that an entry holds. */
  storedElements?: StoredElements;
  /** Keeps turns in a Redis list beside the record. Default: there is none. */
  historyList?: HistoryListConfig;
  /** Names the key of an entry. Where `hashUserIds` is set, it gets the hash instead of the user id. */
  onCreateKey?: (userId: string, entry: EntryConfig) => string | Promise<string>;
  /**
   * Bytes are copied at once: they may be used for something else afterwards. With `historyList`, turns come here too, under
   * its id.
   */
  onEncodeValue?: (entryId: string, part: any) => string | ArrayBufferView | Promise<string | ArrayBufferView>;
  onDecodeValue?: (entryId: string, value: string | Buffer) => any;
  encryption?: Encryption;
  hashUserIds?: HashUserIds;
  /** A load starts the entries' time to live anew. Default: only saves do. */
  refreshOnLoad?: boolean;
  /** Reads the user's traits, the hash `[prefix:]user:<id>`, in the same round trip. */
  profile?: boolean | { prefix: string };
  /** What cannot be decoded counts as not stored, and the next save replaces it. Default: it is an error. */
  overwriteCorrupt?: boolean;
  /** Largest value of an entry in bytes. Default: 16 MiB. */
  maxValueBytes?: number;
}

/** Records of users in Redis. Stores with the same connection settings share one connection. */
export declare class StateStore {
  /** Connects when first used. Throws KENWELL_SETTINGS, also for options that do not exist or are of another kind. */
  constructor(options: StateStoreOptions);
  /** The user's record, or null when nothing is stored (and no profile, if one is asked for). */
  load(userId: string): Promise<StateRecord | null>;
  /** At most 1,000 users in one round trip, in the order of their ids. */
  loadMany(userIds: string[]): Promise<(StateRecord | null)[]>;
  /**
   * Replaces what is stored, whoever wrote it. What is changed in `record` after the call is no part of it. When `record`
   * has an `updatedAt`, it becomes the one that was stored. Parts that no record has are KENWELL_SETTINGS.
   */
  save(userId: string, record: StateRecord, options?: SaveOptions): Promise<void>;
  /**
   * Saves unless somebody else has saved since `record` was loaded or saved; throws KENWELL_CONFLICT then. Copies (a spread,
   * structuredClone, JSON there and back) are known by their `updatedAt`, which takes one round trip more; without one,
   * and where no entry stores it, a copy is a new record, which is saved if nothing is stored. Sets `createdAt` and
   * `updatedAt` of `record` to what was stored.
   */
  saveIfUnchanged(userId: string, record: StateRecord, options?: SaveOptions): Promise<void>;
  /**
   * Loads the record, or a new one, lets `change` change it, and saves it if nobody else has saved meanwhile; otherwise begins
   * again. What `change` returns is saved, or the record itself when that is nothing; it may be called several times. Gives
   * what was saved. Throws KENWELL_CONFLICT when somebody else was faster each time, and KENWELL_UNCERTAIN when the connection
   * broke during the save: then it is not made again.
   */
  update(userId: string, change: (record: StateRecord & { user: { data: any } }) => StateRecord | void | Promise<StateRecord | void>, options?: UpdateOptions): Promise<StateRecord>;
  /** Deletes all that is stored, the list of turns included, and says whether there was anything. */
  delete(userId: string): Promise<boolean>;
  /** Whether anything is stored, apart from a list of turns. Nothing of it is read. */
  has(userId: string): Promise<boolean>;
  /** Lets times to live begin anew as a save does, without writing; says whether there was anything. */
  touch(userId: string, options?: SaveOptions): Promise<boolean>;
  /** What is stored, as it lies in Redis; the list of turns without its items. For people and tools. */
  list(userId: string): Promise<StoredEntry[]>;
  /**
   * Puts a turn, or several, the oldest first, into the list that `historyList` asks for; a turn that is a list itself goes
   * into another one: `[turn]`. Never repeated: KENWELL_UNCERTAIN when the connection broke.
   */
  appendHistory(userId: string, turns: any): Promise<void>;
  /** The turns of that list, the newest first. */
  history(userId: string): Promise<any[]>;
  /**
   * Lets no more calls begin (KENWELL_CLOSED), waits for those that have, at most `timeoutMs` (default: `commandTimeoutMs`),
   * and closes the connection unless others use it. KENWELL_TIMEOUT when calls were still under way.
   */
  close(options?: { timeoutMs?: number }): Promise<void>;
  /** For `await using`, where Node has it: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type KenwellErrorCode =
  | 'KENWELL_SETTINGS'
  | 'KENWELL_CONNECTION'
  | 'KENWELL_TLS'
  | 'KENWELL_TIMEOUT'
  | 'KENWELL_REFUSED'
  | 'KENWELL_CORRUPT_VALUE'
  | 'KENWELL_CONFLICT'
  | 'KENWELL_UNCERTAIN'
  | 'KENWELL_HOOK'
  | 'KENWELL_TOO_LARGE'
  | 'KENWELL_BUSY'
  | 'KENWELL_CLOSED'
  | 'KENWELL_NATIVE';

/** Every error of this package. Messages name settings, keys and entries, never a value or a password. */
export declare class KenwellError extends Error {
  readonly code: KenwellErrorCode;
  /** The Redis key it is about. */
  readonly key?: string;
  /** The id of the entry. */
  readonly entry?: string;
  /** Redis' own code: WRONGTYPE, NOAUTH, OOM, … */
  readonly redisCode?: string;
  /** The operating system's: ECONNREFUSED, … */
  readonly systemCode?: string;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
}

/** Whether the native part is there, which speaks to Cluster and Sentinel, and why it is not: then JavaScript does. */
export declare const transport: { readonly native: boolean; readonly problem: string | null };
