// Addresses: they survive signing in and restarts, hold filters, look-ups and steps, and Back goes where one was.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AWAY } from '../support/browser.mjs';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const hash = (page) => page.evaluate(() => location.hash);
const eventualHash = (page, wanted) => eventually(`the address ${wanted}`, async () => await hash(page) === wanted);

async function signIn(page, key = house.kenwell.adminKey) {
  // Its script at the end takes the address along.
  await page.waitForLoadState();
  await page.getByLabel('Admin key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('an address that somebody was given opens after signing in, also when the first key was wrong', async () => {
  const page = await house.page();
  page.watch.allow(/^refusal: 401 POST \/login$/);
  await page.goto('/#/destinations/profiles');
  await signIn(page, 'kwa_this-is-not-the-key-at-all-really');
  await page.getByRole('alert').getByText('not the admin key').waitFor();
  await signIn(page);
  await page.getByRole('heading', { level: 1, name: 'Profiles' }).waitFor();
  assert.equal(await hash(page), '#/destinations/profiles');
});

test('after a restart of the server one signs in and is where one was', async () => {
  const page = await house.signedIn('/live?outcome=written&user=ada');
  page.watch.allow(AWAY);
  page.watch.allow(/^refusal: 401 GET \/api/);
  await page.getByText('Watching', { exact: true }).waitFor();
  await house.kenwell.stop();
  await house.kenwell.run();
  await page.getByLabel('Admin key').waitFor();
  await signIn(page);
  await page.getByText('Watching', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('User id').inputValue(), 'ada');
  assert.equal(await page.getByLabel('Outcome').inputValue(), 'written');
});

test('filters stand in the address, and Back undoes them one by one', async () => {
  const page = await house.signedIn('/live');
  await page.getByText('Watching', { exact: true }).waitFor();
  await page.getByLabel('Outcome').selectOption('written');
  await eventualHash(page, '#/live?outcome=written');
  await page.getByLabel('Type').selectOption('identify');
  await eventualHash(page, '#/live?type=identify&outcome=written');
  await page.getByLabel('User id').fill('bob');
  await eventualHash(page, '#/live?type=identify&outcome=written&user=bob');
  await page.goBack();
  await eventually('the first filter alone', async () => await page.getByLabel('Type').inputValue() === '');
  assert.equal(await page.getByLabel('Outcome').inputValue(), 'written');
  await page.reload();
  await eventually('the filter after loading again', async () => await page.getByLabel('Outcome').inputValue() === 'written');
});

test('a look-up stands in the address, and Back shows the one before', async () => {
  for (const userId of ['one', 'two']) await house.kenwell.send(WRITE_KEY, { type: 'identify', userId, traits: { is: userId } });
  await eventually('both hashes', async () => (await house.redis.hash('user:one')).is && (await house.redis.hash('user:two')).is);
  const page = await house.signedIn('/profiles');
  for (const user of ['one', 'two']) {
    await page.getByLabel('User id').fill(user);
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByRole('row', { name: `is ${user}` }).waitFor();
  }
  assert.equal(await hash(page), '#/profiles?destination=profiles&user=two');
  await page.goBack();
  await page.getByRole('row', { name: 'is one' }).waitFor();
  assert.equal(await page.getByLabel('User id').inputValue(), 'one');
  await page.goBack();
  await page.getByRole('row', { name: 'is one' }).waitFor({ state: 'detached' });
  await page.goForward();
  await page.getByRole('row', { name: 'is one' }).waitFor();
});

test('the steps of the wizard are steps of the browser, and survive loading again', async () => {
  const page = await house.signedIn('/destinations/add/wizard');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Europe');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Key prefix').fill('kept');
  assert.equal(await hash(page), '#/destinations/add/wizard?step=settings&source=web&name=Europe');
  await page.goBack();
  await page.getByRole('heading', { name: 'Give it a name' }).waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Europe');
  await page.goForward();
  await eventually('what was typed', async () => await page.getByLabel('Key prefix').inputValue() === 'kept');
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('heading', { name: 'Give it a name' }).waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('heading', { name: 'Choose a type' }).waitFor();
  const fresh = await house.signedIn('/destinations/add/wizard?step=settings&source=web&name=Europe');
  await fresh.getByRole('heading', { name: 'Connection settings' }).waitFor();
  await fresh.getByRole('button', { name: 'Back' }).click();
  assert.equal(await fresh.getByLabel('Name', { exact: true }).inputValue(), 'Europe');
});

test('who goes back from what the wizard has made, and forward again, sees it again', async () => {
  const page = await house.signedIn('/destinations/add/wizard?step=name&source=web&name=Europe');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Key prefix').fill('europe');
  await page.getByRole('button', { name: 'Save destination' }).click();
  await page.getByRole('heading', { name: /^Europe is / }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Give it a name' }).waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), '');
  await page.goForward();
  await page.getByRole('heading', { name: /^Europe is / }).waitFor();
  page.watch.allowGone('/destinations/europe');
  await house.kenwell.api('DELETE', '/destinations/europe');
});

test('a step that nothing leads to begins where something is missing', async () => {
  const page = await house.signedIn('/destinations/add/wizard?step=settings&source=web');
  await page.getByRole('heading', { name: 'Give it a name' }).waitFor();
  const unknown = await house.signedIn('/destinations/add/wizard?step=elsewhere');
  await unknown.getByRole('heading', { name: 'Choose a source' }).waitFor();
});

test('the reason whose dead letters are open stands in the address', async () => {
  await house.redis.command('SET', 'user:mallory', 'no hash');
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'mallory', traits: { a: 1 } });
  await eventually('the dead letter', async () => (await house.kenwell.api('GET', '/dead-letters')).total === 1);
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('button', { name: /^See/ }).click();
  await page.locator('.event').waitFor();
  const address = await hash(page);
  assert.match(address, /^#\/dead-letters\?destination=profiles&reason=/);
  await page.goBack();
  await page.locator('.event').waitFor({ state: 'detached' });
  await page.goForward();
  await page.locator('.event').waitFor();
  const other = await house.signedIn(address.slice(1));
  await other.locator('.event').waitFor();
});
