// The examples of Jovo's own documentation of RedisDb, as written there; only the package in the import differs.
// docs-examples.test.js runs them.
import { createCipheriv, createDecipheriv, createHash } from 'crypto';
import { DbItem, Jovo } from '@jovotech/framework';
import { RedisDb, RedisDbConfig, RedisEntryConfig } from '@kenwell/redis';

export const simple = (connectionString: string) => new RedisDb({ connectionString, keyPrefix: 'myapp' });

export const splitEntries = (connectionString: string) =>
  new RedisDb({
    connectionString,
    storedElements: {
      user: true,
      session: true,
      history: {
        enabled: true,
        size: 1,
        output: true,
      },
    },
    entries: [
      { id: 'user', ttlSeconds: 0, user: true, createdAt: true, updatedAt: true },
      { id: 'session', ttlSeconds: 1200, session: true },
      { id: 'history', ttlSeconds: 1200, history: true },
    ],
  });

// The documentation leaves these three to the application.
const getKeyHash = (text: string) => createHash('sha256').update(text).digest('hex');
const keyOf = (secret: string) => createHash('sha256').update(secret).digest();
function encryptValue(value: string, secret: string): string {
  const cipher = createCipheriv('aes-256-ctr', keyOf(secret), Buffer.alloc(16));
  return Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]).toString('base64');
}
function decryptValue(encryptedValue: string, secret: string): string {
  const decipher = createDecipheriv('aes-256-ctr', keyOf(secret), Buffer.alloc(16));
  return Buffer.concat([decipher.update(Buffer.from(encryptedValue, 'base64')), decipher.final()]).toString('utf8');
}

export const hashedKey = (connectionString: string) =>
  new RedisDb({
    connectionString,
    keyPrefix: 'myapp',
    onCreateKey(userId: string, config: RedisDbConfig, jovo: Jovo, entry: RedisEntryConfig): Promise<string> | string {
      const parts: string[] = [];

      if (config.keyPrefix) {
        parts.push(config.keyPrefix);
      }

      parts.push(entry.id);
      parts.push(getKeyHash(userId));

      return parts.join(config.keySeparator);
    },
  });

export const sessionIdInKey = (connectionString: string) =>
  new RedisDb({
    connectionString,
    storedElements: { session: true },
    entries: [
      { id: 'user', user: true },
      { id: 'session', session: true, ttlSeconds: 100 },
    ],
    // In the documentation the last parameter is called `entry` in one place and `configEntry` in another.
    onCreateKey(userId: string, config: RedisDbConfig, jovo: Jovo, configEntry: RedisEntryConfig): Promise<string> | string {
      const parts: string[] = [configEntry.id];
      if (configEntry.id === 'session') {
        parts.push(jovo.$request.getSessionId() ?? userId);
      } else {
        parts.push(userId);
      }
      return parts.join(config.keySeparator);
    },
  });

export const encrypted = (connectionString: string) =>
  new RedisDb({
    connectionString,
    entries: [
      { id: 'user', user: true },
      { id: 'times', createdAt: true, updatedAt: true },
    ],
    onEncodeValue: (entryId: string, dbItem: DbItem) => {
      const value = JSON.stringify(dbItem);
      if (entryId === 'user') {
        return encryptValue(value, 'secret');
      }
      return value;
    },
    onDecodeValue: (entryId: string, value: string) => {
      if (entryId === 'user') {
        return JSON.parse(decryptValue(value, 'secret'));
      }

      return JSON.parse(value);
    },
  });
