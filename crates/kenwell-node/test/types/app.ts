// What a Jovo app writes must compile: the options, the hooks, and what is added to Jovo's own types.
import { App, BaseComponent, Component, Jovo } from '@jovotech/framework';
import { ExtensiblePluginConfig } from '@jovotech/framework/dist/types/Extensible';
import { RedisDb, RedisDbConfig, RedisDbInitConfig, RedisEntryConfig } from '@kenwell/redis';

const entries: RedisEntryConfig[] = [
  { id: 'user', user: true, createdAt: true },
  { id: 'session', session: true, ttlSeconds: 3600 },
];

const config: RedisDbInitConfig = {
  connectionString: 'rediss://localhost:6380',
  keyPrefix: 'app1',
  entries,
  storedElements: { session: { enabled: true, expiresAfterSeconds: 60 }, history: { enabled: true, size: 3 } },
  onCreateKey: (userId: string, { keySeparator }: RedisDbConfig, jovo: Jovo, entry: RedisEntryConfig) => [entry.id, jovo.$session.id, userId].join(keySeparator),
  onEncodeValue: async (entryId: string, dbItem: unknown) => `${entryId}${JSON.stringify(dbItem)}`,
  tls: { ca: '/etc/ssl/redis.pem', serverName: 'redis' },
  encryption: { keys: [{ id: 'a', secret: 'x' }], entries: ['user'] },
  hashUserIds: { secret: 'sixteen bytes or more' },
  profile: true,
};

const app = new App({ plugins: [new RedisDb(config), new RedisDb()] });
const appConfig: ExtensiblePluginConfig = { RedisDb: { ...new RedisDb().config, keyPrefix: 'app2' } };
void appConfig;

const plugin: RedisDb | undefined = app.plugins.RedisDb;
void plugin?.getDbItem;

class Mine extends RedisDb {
  async getDbItem(userId: string, jovo: Jovo) {
    const item = await super.getDbItem(userId, jovo);
    return { ...item, user: { data: { ...item.user?.data, extra: true } } };
  }
}
void new Mine({ connectionString: 'redis://localhost' });

@Component()
export class Welcome extends BaseComponent {
  START() {
    const plan: string | undefined = this.$user.profile?.['plan.name'];
    return this.$send(plan ?? 'none');
  }

  async forget() {
    const wasThere: boolean = await this.$user.deleteData();
    return this.$send(wasThere ? 'forgotten' : 'nothing was known');
  }

  refused() {
    // @ts-expect-error a profile is read-only
    this.$user.profile = {};
  }
}

// @ts-expect-error the connection string is needed when there is a configuration
void new RedisDb({ keyPrefix: 'a' });
