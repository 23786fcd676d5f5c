// Dead letters: by reason, seen, retried one by one and together, discarded.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
beforeEach(async () => {
  // A key that is no hash: Redis refuses HSET on it for good.
  for (const user of ['ann', 'ben', 'cem']) {
    await house.redis.command('SET', `user:${user}`, 'a string');
    await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: user, traits: { name: `secret of ${user}` } });
  }
  await eventually('three dead letters', async () => (await house.kenwell.api('GET', '/dead-letters')).total === 3);
});
afterEach(async () => {
  await house.leave();
  await house.redis.command('DEL', 'user:ann', 'user:ben', 'user:cem');
  await house.kenwell.api('POST', '/dead-letters/discard', { destination: 'profiles', all: true });
});
after(() => house.stop());

test('a letter is seen with its reason, its personal values hidden, and retried alone', async () => {
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('heading', { name: '3 dead letters' }).waitFor();
  await page.getByRole('button', { name: /^See 3 letters of Profiles: .*WRONGTYPE/ }).click();
  const first = page.locator('.event').first();
  await first.locator('summary').click();
  await first.getByRole('button', { name: 'Show personal values' }).waitFor();
  assert.equal((await page.locator('main').innerText()).includes('secret of'), false);
  await first.getByRole('button', { name: 'Show personal values' }).click();
  await first.getByText(/secret of (ann|ben|cem)/).waitFor();
  const user = (await first.locator('.user').innerText()).trim();
  await house.redis.command('DEL', `user:${user}`);
  await first.getByRole('button', { name: 'Retry' }).click();
  await page.locator('.notice').getByText('1 letter written.').waitFor();
  await page.getByRole('heading', { name: '2 dead letters' }).waitFor();
  assert.deepEqual(await house.redis.hash(`user:${user}`), { name: `secret of ${user}` });
});

test('all are retried; those that are refused again stay', async () => {
  await house.redis.command('DEL', 'user:ann', 'user:ben');
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('button', { name: /^Retry all/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry all' }).click();
  await page.locator('.notice').getByText('2 letters written, 1 letter refused again.').waitFor();
  await page.getByRole('heading', { name: '1 dead letter' }).waitFor();
});

test('a retry that Redis does not answer says why', async () => {
  const page = await house.signedIn('/dead-letters');
  await house.redis.stop();
  try {
    await page.getByRole('button', { name: /^Retry all/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry all' }).click();
    const notice = page.locator('.notice');
    await notice.getByText('3 letters not written.').waitFor();
    assert.match(await notice.innerText(), /refused|nothing listens|cannot be reached/i);
  } finally {
    await house.redis.start();
  }
});

test('more letters are shown on request, and the first of them gets the focus', async () => {
  const page = await house.signedIn('/dead-letters');
  await page.route('**/api/v1/dead-letters?destination=**', async (route) => {
    const isNext = route.request().url().includes('after=');
    const response = await route.fetch({ url: route.request().url().replace(/&after=.*/, '') });
    const answer = await response.json();
    await route.fulfill({ response, json: { ...answer, next: isNext ? null : 'profiles/next' } });
  });
  await page.getByRole('button', { name: /^See/ }).click();
  const more = page.getByRole('button', { name: 'Show more' });
  await more.waitFor();
  const first = await page.locator('.event').count();
  await more.press('Enter');
  await eventually('as many again', async () => await page.locator('.event').count() === 2 * first);
  const place = await page.locator('.event summary').evaluateAll((all) => all.indexOf(document.activeElement));
  assert.equal(place, first);
});

test('all are discarded after a question', async () => {
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('button', { name: /^Discard all/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard all' }).click();
  await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
  await eventually('the focus on the heading', () => page.evaluate(() => document.activeElement.localName === 'h1'));
});

test('what is outstanding is an alarm on the overview and a number in the navigation until it is gone', async () => {
  const page = await house.signedIn();
  const alarm = page.getByRole('alert').getByText('Profiles: events that its Redis refused for good wait for somebody.');
  await alarm.waitFor();
  const entry = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Dead letters 3' });
  await entry.waitFor();
  await page.getByRole('alert').getByRole('link', { name: 'See the dead letters' }).click();
  await page.getByRole('heading', { name: '3 dead letters' }).waitFor();
  await house.kenwell.api('POST', '/dead-letters/discard', { destination: 'profiles', all: true });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Dead letters', exact: true }).click();
  await page.getByRole('heading', { name: 'No dead letters' }).waitFor();
  await page.locator('#letters').waitFor({ state: 'hidden' });
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('row', { name: /^Profiles / }).waitFor();
  await alarm.waitFor({ state: 'hidden' });
});

test('a letter that a newer event has overtaken is said to be', async () => {
  await house.redis.command('DEL', 'user:ann');
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'ann', traits: { name: 'newer' } });
  await eventually('the newer name', async () => (await house.redis.hash('user:ann')).name === 'newer');
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('button', { name: /^Retry all/ }).click();
  await page.getByRole('dialog').getByText('newer events have set since through this Kenwell stay as they are').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry all' }).click();
  await page.locator('.notice').getByText('0 letters written, 1 letter overtaken by newer events, 2 letters refused again.').waitFor();
  assert.deepEqual(await house.redis.hash('user:ann'), { name: 'newer' });
});
