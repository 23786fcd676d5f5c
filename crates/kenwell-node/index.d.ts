// Types of @kenwell/redis. Programs without Jovo: import from '@kenwell/redis/state'.
// Where Jovo is not installed, what these lines name has no types, and everything else has.
// @ts-ignore
import type { DbItem, DbPluginConfig, DbPluginStoredElementsConfig, DeepPartial, Jovo } from '@jovotech/framework';
// @ts-ignore
import { DbPlugin } from '@jovotech/framework';
import type { Connection, Encryption, EntryConfig, HashUserIds, Profile } from './state';

export * from './state';

// @ts-ignore
declare module '@jovotech/framework/dist/types/Extensible' {
  interface ExtensiblePluginConfig {
    RedisDb?: RedisDbConfig;
  }
  interface ExtensiblePlugins {
    RedisDb?: RedisDb;
  }
}

// @ts-ignore
declare module '@jovotech/framework/dist/types/JovoUser' {
  interface JovoUser {
    /** What Kenwell knows about the user from events, with the option `profile`; read-only. */
    readonly profile?: Profile;
    /**
     * Deletes all that is stored of the user, and says whether there was anything. The request stores nothing of them any
     * more. There once the user was loaded.
     */
    deleteData(): Promise<boolean>;
  }
}

export type RedisEntryConfig = EntryConfig;

export interface RedisDbConfig extends DbPluginConfig, Connection {
  storedElements: DbPluginStoredElementsConfig;
  /** Stands before all keys. Default: none. */
  keyPrefix?: string;
  /** Stands between the parts of a key. Default: ":". */
  keySeparator: string;
  /** The records of a user. Default: one, "data", with everything. */
  entries: RedisEntryConfig[];
  /**
   * Names the key of an entry. Default: `[keyPrefix, entry.id, userId]`, joined. Where `hashUserIds` is set, it gets the hash
   * instead of the user id.
   */
  onCreateKey: (userId: string, config: RedisDbConfig, jovo: Jovo, entry: RedisEntryConfig) => string | Promise<string>;
  /** Makes the value to store. Default: JSON. */
  onEncodeValue: (entryId: string, dbItem: DbItem) => Promise<string | ArrayBufferView> | string | ArrayBufferView;
  /** Reads a stored value. Default: JSON. Bytes that are no UTF-8 arrive as a Buffer instead of a string. */
  onDecodeValue: (entryId: string, value: string) => Promise<DbItem> | DbItem;
  /** Encrypts what is stored. */
  encryption?: Encryption;
  /** Keys hold an HMAC of the user id instead of the id. */
  hashUserIds?: HashUserIds;
  /** A load starts the entries' time to live anew. Default: only saves do. */
  refreshOnLoad?: boolean;
  /** Reads the user's traits along with the state, as `$user.profile`. */
  profile?: boolean | { prefix: string };
  /** `$user.isNew` is always false, as Jovo's own plugin has it. */
  legacyIsNew?: boolean;
  /** What cannot be decoded counts as not stored, and the next save replaces it. Default: it is an error. */
  overwriteCorrupt?: boolean;
  /** Largest value of an entry in bytes. Default: 16 MiB. */
  maxValueBytes?: number;
}

export type RedisDbInitConfig = DeepPartial<Omit<RedisDbConfig, 'connectionString'>> & Pick<RedisDbConfig, 'connectionString'>;

/** Jovo's database plugin for Redis. */
export declare class RedisDb extends DbPlugin<RedisDbConfig> {
  constructor(config?: RedisDbInitConfig);
  getDefaultConfig(): RedisDbConfig;
  getInitConfig(): RedisDbInitConfig;
  /** The stored record; `{}` when nothing is stored. */
  getDbItem(userId: string, jovo: Jovo): Promise<DbItem>;
  loadData(userId: string, jovo: Jovo): Promise<void>;
  saveData(userId: string, jovo: Jovo): Promise<void>;
  /** Deletes all that is stored of a user, and says whether there was anything; see `$user.deleteData()`. */
  deleteData(userId: string, jovo: Jovo): Promise<boolean>;
}
