// Profiles: fields, nested JSON, expiry, state entries, and deleting.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, oneOfEach } from '../support/house.mjs';

const house = new House();
before(async () => {
  await house.redis.start();
  await house.redis.command('ACL', 'SETUSER', 'narrow', 'on', '>narrow', '~user:*', '+hset', '+hgetall', '+client|info', '+client|kill');
  await house.start((address) => `${oneOfEach(address)}
[[destinations]]
id = "narrow"
name = "Narrow"
address = "${address}"
username = "narrow"
password = "narrow"
[[sources]]
id = "phone"
write_key = "phone-key"
destinations = ["timed"]
[[destinations]]
id = "timed"
address = "${address}"
prefix = "timed"
order = "event_time"
`);
  await house.redis.command('HSET', 'user:ada', 'name', 'Ada', 'plan.tier', 'pro', 'plan.seats', '3', 'tags', '["a",1]');
  await house.redis.command('HSET', 'user:a/b c%2F', 'odd', 'yes');
  await house.redis.command('SET', 'data:ada', '{"session":{"visits":12345678901234567890}}', 'EX', '259200');
});
afterEach(() => house.leave());
after(() => house.stop());

/** Other words in the address, which the page itself follows. */
const follow = (page, where) => page.evaluate((hash) => { location.hash = hash; }, where);

async function lookUp(user) {
  const page = await house.signedIn('/profiles?destination=profiles');
  await page.getByLabel('User id').fill(user);
  await page.keyboard.press('Enter');
  return page;
}

test('a user\'s fields, nested, with key, expiry and state', async () => {
  const page = await lookUp('ada');
  await page.getByRole('row', { name: 'plan.tier pro' }).waitFor();
  const text = await page.locator('main').innerText();
  assert.match(text, /user:ada/);
  assert.match(text, /Expires\s+never/);
  await page.getByRole('tab', { name: 'Fields' }).press('ArrowRight');
  const nested = JSON.parse(await page.getByRole('tabpanel').locator('code').innerText());
  assert.deepEqual(nested.plan.tier, 'pro');
  const state = page.locator('.result').filter({ hasText: 'data:ada' });
  await state.getByText('12345678901234567890').waitFor();
  assert.match(await state.innerText(), /in 3 d/);
});

test('by event time each field has its time and its source', async () => {
  const event = (time, traits) => ({ type: 'identify', userId: 'ada', originalTimestamp: time, traits });
  await house.redis.command('HSET', 'timed:user:ada', 'older', 'x');
  await house.kenwell.send('phone-key', event('2026-01-31T12:00:00.250Z', { plan: 'pro' }));
  await house.kenwell.send('phone-key', event('2026-01-30T12:00:00.000Z', { plan: 'late', city: 'Rome' }));
  await eventually('both events to be written', async () => (await house.redis.hash('timed:user:ada')).city);
  const page = await house.signedIn('/profiles?destination=timed&user=ada');
  const plan = page.getByRole('row', { name: /^plan pro/ });
  await plan.waitFor();
  assert.equal(await plan.locator('time').getAttribute('datetime'), '2026-01-31T12:00:00.250Z');
  assert.match(await plan.innerText(), /phone/);
  const city = page.getByRole('row', { name: /^city Rome/ });
  assert.equal(await city.locator('time').getAttribute('title'), '2026-01-30T12:00:00.000Z');
  const older = page.getByRole('row', { name: /^older x/ });
  assert.match(await older.locator('[title]').getAttribute('title'), /set before order = event_time/);
  await page.getByRole('columnheader', { name: 'Happened' }).waitFor();
  await follow(page, '/profiles?destination=profiles&user=ada');
  await page.getByRole('row', { name: 'plan.tier pro' }).waitFor();
  assert.equal(await page.getByRole('columnheader', { name: 'Happened' }).count(), 0);
});

test('a user of Redis who may only see profiles is enough to look them up', async () => {
  const page = await house.signedIn('/profiles?destination=narrow&user=ada');
  await page.getByRole('row', { name: 'plan.tier pro' }).waitFor();
  page.watch.allow(/^refusal: 502 GET/);
  await page.getByText('Where the application\'s state is').click();
  await page.getByLabel('Prefix of state keys').fill('app');
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByText(/NOPERM|may not/i).waitFor();
});

test('state is found where it is said to be, also without a profile', async () => {
  await house.redis.command('SET', 'app-cart-ghost', '{"items":2}');
  const page = await house.signedIn('/profiles?destination=profiles');
  await page.getByText('Where the application\'s state is').click();
  await page.getByLabel('Prefix of state keys').fill('app');
  await page.getByLabel('Separator').fill('-');
  await page.getByLabel('Entries').fill('cart, other');
  await page.getByLabel('User id').fill('ghost');
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.locator('.result').getByText('"items": 2').waitFor();
  await page.getByText('This user has no profile.').waitFor();
});

test('ids with any characters are found', async () => {
  const page = await lookUp('a/b c%2F');
  await page.getByRole('row', { name: 'odd yes' }).waitFor();
  await house.redis.command('HSET', 'user:who?=a&b', 'asks', 'yes');
  await follow(page, '/profiles?destination=profiles&user=who?%3Da%26b');
  await page.getByRole('row', { name: 'asks yes' }).waitFor();
});

test('users called . and .. are found by their address, and deleted', async () => {
  for (const user of ['.', '..']) await house.redis.command('HSET', `user:${user}`, 'is', `dots ${user.length}`);
  await house.kenwell.send('phone-key', { type: 'identify', userId: '..', traits: { city: 'Rome' } });
  await eventually('the event to be written', async () => (await house.redis.hash('timed:user:..')).city);
  const page = await lookUp('.');
  await page.getByRole('row', { name: 'is dots 1' }).waitFor();
  await follow(page, '/profiles?destination=timed&user=..');
  await page.getByRole('row', { name: /^city Rome .* phone$/ }).waitFor();
  await follow(page, '/profiles?destination=profiles&user=..');
  await page.getByRole('row', { name: 'is dots 2' }).waitFor();
  await page.getByRole('button', { name: 'Delete profile' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete profile' }).click();
  await page.getByText('user:.. is deleted.').waitFor();
  assert.equal((await house.redis.command('KEYS', 'user:.*')).trim(), 'user:.');
});

test('a user who is not there is no error', async () => {
  const page = await house.signedIn('/profiles?destination=profiles');
  page.watch.allow(/^refusal: 404 GET \/api\/v1\/profiles/);
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByText('Write the id of a user.').waitFor();
  await page.getByLabel('User id').fill('nobody');
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByRole('heading', { name: 'No such profile' }).waitFor();
});

test('a profile is deleted only after a question', async () => {
  await house.redis.command('HSET', 'user:gone', 'a', '1');
  const page = await lookUp('gone');
  await page.getByRole('button', { name: 'Delete profile' }).click();
  await page.keyboard.press('Escape');
  assert.deepEqual(await house.redis.hash('user:gone'), { a: '1' });
  await page.getByRole('button', { name: 'Delete profile' }).click();
  await page.keyboard.press('Enter');
  assert.deepEqual(await house.redis.hash('user:gone'), { a: '1' }, '"Cancel" has the focus');
  await page.getByRole('button', { name: 'Delete profile' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete profile' }).click();
  await page.getByText('user:gone is deleted.').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'user:gone is deleted.');
  assert.deepEqual(await house.redis.hash('user:gone'), {});
});
