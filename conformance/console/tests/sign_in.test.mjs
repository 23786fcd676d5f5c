// The first sign-in, a wrong key, and signing out.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { House } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

test('the printed key opens the console, and signing out closes it', async () => {
  const page = await house.page();
  await page.goto('/');
  assert.equal(await page.title(), 'Sign in · Kenwell');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
  assert.equal(await page.evaluate(() => document.cookie), '');
  // What the page was asking for while the session ended.
  page.watch.allow(/^refusal: 401 GET \/api/);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Admin key').waitFor();
});

test('a wrong key is refused with a sentence', async () => {
  const page = await house.page();
  page.watch.allow(/^refusal: 401 POST \/login$/);
  await page.goto('/');
  await page.getByLabel('Admin key').fill('kwa_this-is-not-the-key-at-all-really');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('not the admin key').waitFor();
  // The address that stands there now is opened again, as with a browser that starts with its tabs of before.
  page.watch.allow(/^refusal: 401 GET \/login$/);
  await page.goto('/login');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.goto('/login');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('a console that could not begin is begun again by its button', async () => {
  const page = await house.page();
  page.watch.allow(/^refusal: 503 GET \/api\/v1\/session$/);
  await page.route('**/api/v1/session', (route) => route.fulfill({ status: 503, json: { error: { message: 'not now' } } }));
  await page.goto('/');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('not now').waitFor();
  await page.unroute('**/api/v1/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('a session that ends brings the sign-in page back', async () => {
  const page = await house.signedIn();
  page.watch.allow(/^refusal: 401 GET \/api/);
  await page.context().clearCookies();
  await page.getByLabel('Admin key').waitFor();
});

test('the page keeps no key and no token where scripts of others could read it', async () => {
  const page = await house.signedIn();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.equal(kept.includes('kwa_'), false);
  assert.equal(kept, '[{},{}]');
});
