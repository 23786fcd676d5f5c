// Something to look at: users, a second source, a destination that waits, a dead letter.
import { eventually, freePort } from './children.mjs';
import { WRITE_KEY } from './house.mjs';

const PEOPLE = [
  ['ada', { name: 'Ada Lovelace', plan: { tier: 'pro', seats: 3 }, tags: ['math', 'poetry'], logins: 42 }],
  ['grace', { name: 'Grace Hopper', plan: { tier: 'team', seats: 12 } }],
  ['zoe', { name: 'Zoë', address: { city: 'Pune' } }],
];

/** Fills an installation that has one source and one destination. */
export async function furnish(house) {
  const { kenwell, redis } = house;
  await kenwell.api('POST', '/sources', { name: 'Mobile app', destinations: ['profiles'] });
  await kenwell.api('POST', '/destinations', {
    name: 'Europe', id: 'europe', address: `127.0.0.1:${await freePort()}`, prefix: 'eu', sources: ['web'],
  });
  await redis.command('SET', 'user:mallory', 'no hash');
  await redis.command('SET', 'data:ada', JSON.stringify({ user: { visits: 7, lastSeen: 'checkout' }, session: { step: 3 } }), 'EX', '86400');
  for (const [userId, traits] of [...PEOPLE, ['mallory', { name: 'Mallory' }]]) {
    await kenwell.send(WRITE_KEY, { type: 'identify', userId, traits });
  }
  await kenwell.send(WRITE_KEY, { type: 'page', userId: 'ada', name: 'Home' });
  await eventually('the hashes and the dead letter', async () =>
    (await redis.hash('user:zoe')).name === 'Zoë' && (await kenwell.api('GET', '/dead-letters')).total === 1);
}
