// Live events: filters, hidden values, pause, the bound, and the end of the stream.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { go, House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const send = (event) => house.kenwell.send(WRITE_KEY, event);
const identify = (userId, traits = { a: 1 }) => send({ type: 'identify', userId, traits });

/** The page, once its stream is open. */
async function watching(words = '') {
  const page = await house.signedIn(`/live${words}`);
  await page.getByText('Watching', { exact: true }).waitFor();
  return page;
}

test('personal values are hidden until they are revealed', async () => {
  const page = await watching();
  await identify('ada@example.com', { email: 'ada@example.com', plan: 'gold-secret' });
  const line = page.locator('.event').filter({ hasText: 'Written' });
  await line.locator('summary').click();
  await line.getByText('HSET').waitFor();
  const hidden = await page.locator('main').innerText();
  assert.equal(/ada@example|gold-secret/.test(hidden), false, hidden);
  assert.match(hidden, /"plan": ••••••/);
  await page.getByRole('button', { name: 'Show personal values' }).click();
  await line.getByText('HSET user:ada@example.com email ada@example.com plan gold-secret').waitFor();
  await page.getByRole('button', { name: 'Hide personal values' }).click();
  assert.equal(/ada@example|gold-secret/.test(await page.locator('main').innerText()), false);
});

test('what is ignored says why', async () => {
  const page = await watching('?outcome=ignored');
  await send({ type: 'track', userId: 'u', event: 'Bought' });
  const line = page.locator('.event').first();
  await line.locator('summary').click();
  assert.ok((await line.locator('.body p').first().innerText()).length > 10);
});

test('filters show only what they ask for, and a user who was asked for is no secret', async () => {
  const page = await watching();
  await page.getByLabel('Outcome').selectOption('written');
  const [stream] = await Promise.all([
    page.waitForRequest((request) => request.url().endsWith('/events?outcome=written&user=bob')),
    page.getByLabel('User id').fill('bob'),
  ]);
  await stream.response();
  for (const user of ['eve', 'bob', 'eve', 'bob']) await identify(user);
  await eventually('two lines', async () => await page.locator('.event').count() === 2);
  const users = await page.locator('.event .user').allInnerTexts();
  assert.deepEqual([...new Set(users)], ['bob']);
  assert.deepEqual([...new Set(await page.locator('.event .badge').allInnerTexts())], ['Written']);
});

test('events of two users that are too large to be told are not taken for one another', async () => {
  const page = await watching();
  const text = 'x'.repeat(20_000);
  await house.kenwell.api('POST', '/destinations/profiles/pause');
  for (const user of ['large-1', 'large-2']) await identify(user, { text });
  await eventually('both', async () => await page.locator('.event').count() === 2);
  await house.kenwell.api('POST', '/destinations/profiles/resume');
  await page.getByRole('button', { name: 'Show personal values' }).click();
  for (const user of ['large-1', 'large-2']) {
    const row = page.locator('.event').filter({ hasText: user }).filter({ hasText: 'Written' });
    await row.locator('summary').click();
    await row.getByText(`HSET user:${user} `).waitFor();
  }
});

test('a filter by what is not there any more is said to be none', async () => {
  const page = await watching('?source=gone');
  assert.equal(await page.getByLabel('Source').evaluate((choice) => choice.selectedOptions[0]?.textContent), 'All sources');
});

test('while it is paused events wait, and are shown when it goes on', async () => {
  const page = await watching('?outcome=written');
  await page.getByRole('button', { name: 'Pause' }).click();
  for (const user of ['one', 'two', 'three']) await identify(user);
  await page.getByRole('button', { name: 'Resume (3 new)' }).click();
  await eventually('three lines', async () => await page.locator('.event').count() === 3);
});

test('what had waited counts no more when the filters are others', async () => {
  const page = await watching('?outcome=written');
  await page.getByRole('button', { name: 'Pause' }).click();
  await identify('one');
  await page.getByRole('button', { name: 'Resume (1 new)' }).waitFor();
  await page.getByLabel('Outcome').selectOption('ignored');
  await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
});

test('at most two hundred lines are kept', async () => {
  const page = await watching('?outcome=written');
  const batch = Array.from({ length: 350 }, (_, number) => ({ type: 'identify', userId: `many-${number}`, traits: { number } }));
  await send({ type: 'batch', batch });
  await eventually('two hundred lines', async () => await page.locator('.event').count() === 200);
  await eventually('the others to be written too', async () => (await house.kenwell.api('GET', '/destinations/profiles')).status.queued === 0);
  await identify('last');
  await eventually('the newest on top', async () => {
    await page.getByRole('button', { name: /personal values/ }).click();
    return (await page.locator('.event .user').first().innerText()) === 'last';
  });
  assert.equal(await page.locator('.event').count(), 200);
});

test('numbers that JavaScript cannot hold keep their digits', async () => {
  const page = await watching('?outcome=written');
  const response = await fetch(`${house.kenwell.url}/v1/identify`, {
    method: 'POST', headers: { Authorization: `Basic ${btoa(`${WRITE_KEY}:`)}` },
    body: '{"userId":"big","traits":{"account":12345678901234567890}}',
  });
  assert.equal(response.status, 200);
  await page.getByRole('button', { name: 'Show personal values' }).click();
  await page.locator('.event summary').first().click();
  await page.getByText('"account": 12345678901234567890').waitFor();
});

test('the stream ends when the page is left', async () => {
  const page = await house.page();
  const open = new Set();
  page.on('request', (request) => { if (request.url().includes('/api/v1/events')) open.add(request); });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => open.delete(request));
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Live events' }).click();
  await page.getByText('Watching', { exact: true }).waitFor();
  assert.equal(open.size, 1);
  await go(page, '/sources');
  await eventually('the end of the stream', () => open.size === 0);
});

test('an event is one row with what became of it at each destination', async () => {
  await house.kenwell.api('POST', '/destinations', { name: 'Second', address: house.redis.address, prefix: 'second', sources: ['web'] });
  await house.redis.command('SET', 'second:user:both', 'no hash');
  const page = await watching();
  await send({ type: 'identify', userId: 'both', messageId: 'm-1', traits: { a: 1 } });
  const row = page.locator('.event');
  await row.getByText('Written', { exact: true }).waitFor();
  await row.getByText('Dead-lettered', { exact: true }).waitFor();
  assert.equal(await row.count(), 1);
  await row.locator('summary').click();
  await row.getByText('HSET user:').waitFor();
  assert.deepEqual(await row.locator('.outcome strong').allInnerTexts().then((names) => names.toSorted()), ['profiles', 'second']);
  assert.match(await row.locator('.outcome').filter({ hasText: 'second' }).innerText(), /WRONGTYPE/);
  await send({ type: 'identify', userId: 'both', messageId: 'm-1', traits: { a: 1 } });
  await eventually('a row of its own for the same event sent again', async () => await row.count() === 2);
  const { by_reason: [one] } = await house.kenwell.api('GET', '/dead-letters');
  await house.kenwell.api('POST', '/dead-letters/discard', { destination: one.destination, all: true });
  await house.kenwell.api('DELETE', '/destinations/second');
});

test('an event that somebody reads stays open, and where it is, while others come', async () => {
  const page = await watching('?outcome=written');
  const many = (word, length) => send({ type: 'batch', batch: Array.from({ length }, (_, number) => ({ type: 'identify', userId: `${word}-${number}`, traits: { number } })) });
  await many('older', 40);
  await eventually('the older ones', async () => await page.locator('.event').count() === 40);
  await identify('reader');
  await page.getByRole('button', { name: 'Show personal values' }).click();
  const read = page.locator('.event').filter({ has: page.getByText('reader', { exact: true }) });
  await read.locator('summary').click();
  await read.getByText('HSET user:reader').waitFor();
  const top = () => read.evaluate((element) => Math.round(element.getBoundingClientRect().top));
  const before = await top();
  await many('newer', 100);
  await eventually('the others', async () => await page.locator('.event').count() === 141);
  assert.equal(await top(), before);
  await page.getByRole('button', { name: 'Pause' }).click();
  await many('newest', 150);
  await page.getByRole('button', { name: 'Resume (150 new)' }).click();
  await eventually('the bound', async () => await page.locator('.event').count() === 200);
  assert.equal(await read.count(), 1);
  assert.equal(await read.locator('details').getAttribute('open'), '');
});
