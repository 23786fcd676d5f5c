// The audit log: who changed what, filtered and turned over; the address keeps what is looked at.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { House } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const rows = (page) => page.getByRole('table', { name: 'Deeds, the newest first' }).locator('tbody tr');
const pages = (page) => page.getByRole('navigation', { name: 'Pages of the list' });

test('a deed is shown as it is done, with who, what, about what, and what came of it', async () => {
  const page = await house.signedIn('/audit');
  await rows(page).filter({ hasText: 'Sign in' }).first().waitFor();
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: 'hidden-value' });
  await assert.rejects(house.kenwell.api('PATCH', '/destinations/profiles', { address: 'no port' }), /422/);
  const [refused, done] = [rows(page).nth(0), rows(page).nth(1)];
  await refused.getByText('Refused').waitFor();
  assert.match(await done.innerText(), /Admin key\s+127\.0\.0\.1\s+Change destination\s+profiles\s+prefix\s+Done/);
  assert.match(await refused.innerText(), /Change destination\s+profiles\s+address\s+Refused/);
  assert.equal((await page.content()).includes('hidden-value'), false);
  const handMade = house.kenwell.config.replace('name = "Profiles"', 'name = "By hand"');
  house.kenwell.config = handMade;
  await rows(page).nth(0).getByText('Configuration file').waitFor();
  assert.match(await rows(page).nth(0).innerText(), /Take over file\s+–\s+destinations\.profiles\.name\s+Done/);
});

test('filters stand in the address, which opened again shows the same; Back takes one away', async () => {
  await house.kenwell.api('POST', '/destinations/profiles/pause');
  await house.kenwell.api('POST', '/destinations/profiles/resume');
  const page = await house.signedIn('/audit');
  await rows(page).filter({ hasText: 'Sign in' }).first().waitFor();
  await page.getByLabel('Who').selectOption('Admin key');
  await rows(page).filter({ hasText: 'Sign in' }).first().waitFor({ state: 'detached' });
  await page.getByLabel('What').selectOption('Pause destination');
  await rows(page).filter({ hasText: 'Resume' }).first().waitFor({ state: 'detached' });
  assert.equal(await rows(page).count(), 1);
  await page.waitForFunction(() => location.hash === '#/audit?who=admin_key&deed=pause_destination');
  await page.reload();
  await rows(page).filter({ hasText: 'Pause destination' }).waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.equal(await page.getByLabel('What').inputValue(), 'pause_destination');
  await page.goBack();
  await rows(page).filter({ hasText: 'Resume destination' }).waitFor();
  assert.equal(await page.getByLabel('What').inputValue(), '');
  await page.getByLabel('Search deeds').fill('nobody-of-this-name');
  await page.getByText('No deed is like this.').waitFor();
  await page.waitForFunction(() => location.hash.includes('search=nobody-of-this-name'));
});

test('many deeds have pages, which are turned with the keyboard alone', async () => {
  for (let number = 0; number < 60; number += 1) {
    await house.kenwell.api('PATCH', '/sources/web', { name: `Web ${number}` });
  }
  const page = await house.signedIn('/audit?who=admin_key&deed=change_source');
  await pages(page).getByText('1 to 50 of 60').waitFor();
  assert.equal(await rows(page).count(), 50);
  await pages(page).getByRole('button', { name: 'Next' }).focus();
  await page.keyboard.press('Enter');
  await pages(page).getByText('51 to 60 of 60').waitFor();
  assert.equal(await rows(page).count(), 10);
  assert.match(page.url(), /page=2/);
  await page.getByLabel('Result').focus();
  await page.keyboard.press('R');
  await page.getByText('No deed is like this.').waitFor();
  assert.doesNotMatch(page.url(), /page=/);
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Web site' });
});

test('what was done today has its day as soon as it is yesterday', async () => {
  const page = await house.page();
  await page.clock.install({ time: '2026-01-31T22:30:00Z' });
  await page.route('**/api/v1/audit?*', (route) => route.fulfill({ json: { total: 1, deeds: [], entries: [
    { at: '2026-01-31T22:29:00.000Z', who: 'file', deed: 'take_over_file', settings: [], result: 'done' },
  ] } }));
  await house.signIn(page, '/audit');
  await rows(page).getByText('23:29:00', { exact: true }).waitFor();
  await page.clock.fastForward('31:00');
  await rows(page).getByText('31 Jan 2026').waitFor();
});

test('where nothing was done yet the page says what will be here', async () => {
  const page = await house.page();
  await page.route('**/api/v1/audit*', (route) => route.fulfill({ json: { entries: [], total: 0, deeds: [] } }));
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByRole('heading', { name: 'Nobody has changed anything yet' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Audit log' }).getAttribute('aria-current'), 'page');
});
