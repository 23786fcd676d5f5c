// Something to look at: users, a second source, a destination that waits, a dead letter.
import { eventually } from './children.mjs';
import { oneOfEach, WRITE_KEY } from './house.mjs';

const PEOPLE = [
  ['ada', { name: 'Ada Lovelace', plan: { tier: 'pro', seats: 3 }, tags: ['math', 'poetry'], logins: 42 }],
  ['grace', { name: 'Grace Hopper', plan: { tier: 'team', seats: 12 } }],
  ['zoe', { name: 'Zoë', address: { city: 'Pune' } }],
];

/** The configuration: two sources, a destination that works, and one on whose port nobody listens. */
export const furnished = (address) => `${oneOfEach(address)}
[[sources]]
id = "app"
name = "Mobile app"
write_key = "another-write-key"
enabled = false
destinations = ["profiles"]

[[destinations]]
id = "europe"
name = "Europe"
address = "127.0.0.1:1"
prefix = "eu"
`.replace('["profiles"]', '["profiles", "europe"]');

/** Fills an installation with that configuration. */
export async function furnish(house) {
  const { kenwell, redis } = house;
  await redis.command('SET', 'user:mallory', 'no hash');
  await redis.command('SET', 'data:ada', JSON.stringify({ user: { visits: 7, lastSeen: 'checkout' }, session: { step: 3 } }), 'EX', '86400');
  for (const [userId, traits] of [...PEOPLE, ['mallory', { name: 'Mallory' }]]) {
    await kenwell.send(WRITE_KEY, { type: 'identify', userId, traits });
  }
  await kenwell.send(WRITE_KEY, { type: 'page', userId: 'ada', name: 'Home' });
  await eventually('the hashes and the dead letter', async () =>
    (await redis.hash('user:zoe')).name === 'Zoë' && (await kenwell.api('GET', '/dead-letters')).total === 1);
}
