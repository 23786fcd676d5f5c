// The overview: its numbers are the API's, a broken sum is a red line, and a server that goes away is said.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

/** What the tile with that title shows. */
const tile = (page, title) => page.locator('.tile').filter({ has: page.getByText(title, { exact: true }) }).locator('.value').innerText();

/** The overview of the server with a change on its way to the page. */
const changed = (page, change) => page.route('**/api/v1/overview', async (route) => {
  const response = await route.fetch();
  await route.fulfill({ response, json: change(await response.json()) });
});

test('numbers, the row of each destination, and the chart in words', async () => {
  for (const userId of ['a', 'b', 'c']) await house.kenwell.send(WRITE_KEY, { type: 'identify', userId, traits: { n: 1 } });
  await house.kenwell.send(WRITE_KEY, { type: 'track', userId: 'a', event: 'x' });
  const page = await house.signedIn();
  await eventually('three accepted', async () => await tile(page, 'Accepted') === '3');
  assert.equal(await tile(page, 'Other events'), '1');
  assert.match(await tile(page, 'Ack latency'), /^[\d.]+ \/ [\d.]+ ms$/);
  await page.getByRole('row', { name: /^Profiles Up 3 3 0 0 0 / }).waitFor();
  assert.match(await page.getByRole('img', { name: /^In the last hour: / }).getAttribute('aria-label'), /accepted/);
  await page.getByText('The same as a table').click();
  await page.getByRole('columnheader', { name: 'Queued at the end' }).waitFor();
  assert.match(await page.locator('main').innerText(), new RegExp(`SDKs send to\\s+${house.kenwell.url}`));
});

test('sums that do not add up are a red line', async () => {
  const page = await house.page();
  await changed(page, (state) => {
    const [first] = state.destinations;
    return { ...state, destinations: [{ ...first, accepted: first.accepted + 1, balanced: false }] };
  });
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('The sums of Profiles do not add up').waitFor();
  assert.equal(await page.locator('tr.alarm').count(), 1);
});

test('a gateway that takes nothing says why', async () => {
  const page = await house.page();
  await changed(page, (state) => ({ ...state, accepting: false, journal: { ...state.journal, full: true, reason: 'the journal is full: 3 events wait for "old"' } }));
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('The journal is full').waitFor();
});

test('a server that goes away is said, and its return asks for the key again', async () => {
  const page = await house.signedIn();
  page.watch.allow(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
  page.watch.allow(/^refusal: 401 GET \/api/);
  await house.kenwell.stop();
  const banner = page.locator('#banner').getByText('Kenwell does not answer.');
  await banner.waitFor();
  assert.equal(await page.getByText('Kenwell does not answer.').count(), 1);
  await house.kenwell.run();
  await page.getByLabel('Admin key').waitFor();
});
