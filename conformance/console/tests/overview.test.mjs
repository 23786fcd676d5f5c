// The overview: its numbers are the API's, a broken sum is a red line, and a server that goes away is said.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AWAY } from '../support/browser.mjs';
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

/** How many listeners there are that wait for a page to be left. */
const countListeners = (page) => page.addInitScript(() => {
  window.listeners = 0;
  for (const [name, change] of [['addEventListener', 1], ['removeEventListener', -1]]) {
    AbortSignal.prototype[name] = function counted(...words) {
      window.listeners += change;
      return EventTarget.prototype[name].apply(this, words);
    };
  }
});

/** Tasks of the overview and of the frame around it that are repeated. */
const REPEATED = 6;

test('what has the focus keeps it while the numbers around it change, and looking again leaves nothing behind', async () => {
  const page = await house.page();
  await countListeners(page);
  await changed(page, (state) => ({ ...state, destinations: [] }));
  await page.route('**/api/v1/configuration', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), needs_restart: ['gateway.listen'] } });
  });
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  const focus = () => page.evaluate(() => document.activeElement.textContent);
  const again = async (path, times = 2) => { for (let left = times; left > 0; left -= 1) await page.waitForResponse(path); };
  const first = page.getByRole('link', { name: 'Add a destination' });
  await first.focus();
  const warning = await page.locator('#banner .box').elementHandle();
  const listeners = await page.evaluate(() => window.listeners);
  await Promise.all([again('**/api/v1/overview', 3), again('**/api/v1/configuration')]);
  assert.equal(await focus(), 'Add a destination');
  assert.equal(await warning.evaluate((element) => element.isConnected), true);
  assert.ok(await page.evaluate(() => window.listeners) <= listeners + REPEATED);
});

test('a link of the picture keeps the focus while others overtake it', async () => {
  await house.kenwell.api('POST', '/sources', { name: 'Second' });
  const page = await house.page();
  let turn = 0;
  await page.route('**/api/v1/sources?sort=accepted*', async (route) => {
    const response = await route.fetch();
    const { sources, total } = await response.json();
    turn += 1;
    const shown = (turn % 2 === 0 ? sources.toReversed() : sources).map((one) => ({ ...one, accepted: turn }));
    await route.fulfill({ response, json: { sources: shown, total } });
  });
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  const link = page.locator('.flow').getByRole('link', { name: 'Second' });
  await link.focus();
  const look = () => page.locator('.flow').evaluate((flow) => ({
    turn: Number(/(\d+) accepted/.exec(flow.textContent)[1]),
    first: flow.querySelector('a').textContent,
    focused: document.activeElement.textContent,
  }));
  const before = await look();
  const later = await eventually('another order', async () => {
    const now = await look();
    return now.turn > before.turn && now;
  });
  assert.deepEqual([later.first, later.focused], [later.turn % 2 === 0 ? 'Second' : 'Web site', 'Second']);
  await house.kenwell.api('DELETE', '/sources/second');
});

test('of many alarms the worst are told, and how many more there are', async () => {
  const page = await house.page();
  await changed(page, (state) => {
    const [first] = state.destinations;
    const many = Array.from({ length: 40 }, (_, number) => ({ ...first, id: `d${number}`, name: `Store ${number}`, state: 'waiting', error: 'no answer', needs_operator: number === 39 }));
    return { ...state, destinations: many };
  });
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  const alarms = page.getByRole('alert').locator('.box');
  await alarms.first().getByText('Store 39').waitFor();
  await alarms.last().getByText('30 more').waitFor();
  assert.equal(await alarms.count(), 11);
});

test('a server that goes away is said, and its return asks for the key again', async () => {
  const page = await house.signedIn();
  page.watch.allow(AWAY);
  page.watch.allow(/^refusal: 401 GET \/api/);
  await house.kenwell.stop();
  const banner = page.locator('#banner').getByText('Kenwell does not answer.');
  await banner.waitFor();
  assert.equal(await page.getByText('Kenwell does not answer.').count(), 1);
  await house.kenwell.run();
  await page.getByLabel('Admin key').waitFor();
});
