// A thousand sources, a hundred destinations: found, sorted, turned over; and what a slow server looks like.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { PHONE } from '../support/browser.mjs';
import { House, oneOfEach } from '../support/house.mjs';

const MANY = 1_000;
const DESTINATIONS = 120;
const pad = (number) => String(number).padStart(4, '0');

const long = (address) => oneOfEach(address)
  + Array.from({ length: MANY - 1 }, (_, number) => `\n[[sources]]\nid = "s${number}"\nname = "Shop ${pad(number)}"\nwrite_key = "key-${number}"\n`).join('')
  + Array.from({ length: DESTINATIONS - 1 }, (_, number) => `\n[[destinations]]\nid = "d${number}"\nname = "Store ${pad(number)}"\naddress = "127.0.0.1:1"\nenabled = false\n`).join('');

const house = new House();
before(() => house.start(long));
afterEach(() => house.leave());
after(() => house.stop());

const names = (page) => page.getByRole('rowheader').allInnerTexts();

test('a thousand sources come in pages, and the search finds one of them', async () => {
  const page = await house.signedIn('/sources');
  await page.getByText('1 to 50 of 1,000').waitFor();
  assert.equal((await names(page)).length, 50);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51 to 100 of 1,000').waitFor();
  assert.equal(await page.evaluate(() => location.hash), '#/sources?page=2');
  await page.goBack();
  await page.getByText('1 to 50 of 1,000').waitFor();
  await page.getByLabel('Search sources').fill('SHOP 0777');
  await page.getByRole('link', { name: 'Shop 0777' }).waitFor();
  await eventually('one row', async () => (await names(page)).length === 1);
  assert.equal(await page.evaluate(() => location.hash), '#/sources?search=SHOP+0777');
  await page.reload();
  await page.getByRole('link', { name: 'Shop 0777' }).waitFor();
  assert.equal(await page.getByLabel('Search sources').inputValue(), 'SHOP 0777');
  await page.getByLabel('Search sources').fill('nobody is called so');
  await page.getByText('Nothing is called like this.').waitFor();
  await page.getByRole('link', { name: 'Sources' }).click();
  await page.getByRole('button', { name: 'Source', exact: true }).click();
  await page.getByLabel('Search sources').fill('Shop 0777');
  await eventually('one row again', async () => (await names(page)).length === 1);
  await page.goBack();
  await page.getByText('1 to 50 of 1,000').waitFor();
  assert.equal(await page.getByLabel('Search sources').inputValue(), '');
});

test('a column sorts, first up and then down, and says so', async () => {
  const page = await house.signedIn('/sources');
  await page.getByRole('button', { name: 'Source', exact: true }).click();
  await eventually('the first name', async () => (await names(page))[0] === 'Shop 0000');
  const head = page.getByRole('columnheader', { name: 'Source' });
  assert.equal(await head.getAttribute('aria-sort'), 'ascending');
  await page.getByRole('button', { name: 'Source', exact: true }).click();
  await eventually('the last name first', async () => (await names(page))[0] === 'Web site');
  assert.equal(await head.getAttribute('aria-sort'), 'descending');
  await page.getByRole('button', { name: 'Last seen' }).click();
  await eventually('the other column', async () => await head.getAttribute('aria-sort') === 'none');
  const other = await house.signedIn('/destinations?sort=state&direction=descending');
  await eventually('the state that comes last', async () => /Up/.test(await other.getByRole('row').nth(1).innerText()));
});

test('on a phone the order is chosen from a list, and nothing is wider than the screen', async () => {
  const page = await house.signedIn('/destinations', { viewport: PHONE });
  await page.getByText('1 to 50 of 120').waitFor();
  await page.getByLabel('Sort by').selectOption({ label: 'Destination, descending' });
  await eventually('the last name first', async () => /^Store 0118/.test((await names(page))[0]));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
});

test('the API bounds what it is asked for', async () => {
  const ask = (words) => house.kenwell.api('GET', `/sources?${words}`);
  const { sources, total } = await ask('limit=2&offset=1&sort=name');
  assert.deepEqual([sources.map((one) => one.id), total], [['s1', 's2'], MANY]);
  assert.equal((await ask('')).sources.length, MANY);
  for (const wrong of ['limit=0', 'limit=1001', 'sort=color', 'limit=x']) await assert.rejects(ask(wrong), /400/, wrong);
});

test('a page whose answer takes its time says that it is loading', async () => {
  const page = await house.signedIn('/overview');
  let go;
  const held = new Promise((resolve) => { go = resolve; });
  await page.route('**/api/v1/sources?*', async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('link', { name: 'Sources', exact: true }).click();
  await page.getByRole('status').getByText('Loading…').or(page.locator('.loading')).first().waitFor();
  go();
  await page.getByRole('link', { name: 'Web site' }).waitFor();
  assert.equal(await page.locator('.loading').count(), 0);
});
