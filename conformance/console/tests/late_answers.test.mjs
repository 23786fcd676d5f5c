// Answers that come late, in another order, or to a page that was left: nothing wrong is shown, nobody is taken elsewhere.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { go, House, oneOfEach } from '../support/house.mjs';

const shops = (address) => oneOfEach(address)
  + Array.from({ length: 12 }, (_, number) => `\n[[sources]]\nid = "s${number}"\nname = "Shop ${number}"\nwrite_key = "key-${number}"\n`).join('');

const house = new House();
/** All tests go from page to page in one tab. */
let page;
before(async () => {
  await house.start(shops);
  page = await house.signedIn('/sources');
});
after(() => house.leave().finally(() => house.stop()));

/** Holds requests back that `which(request)` chooses, from now on; `release()` lets them and all that follow go. */
async function hold(which) {
  const held = [];
  // A page may have given up what it had asked for.
  const pass = (route) => route.continue().catch(() => {});
  const take = (route) => {
    if (which(route.request())) held.push(route);
    else return pass(route);
    return undefined;
  };
  await page.route('**/api/v1/**', take);
  return { held, release: async () => {
    await page.unroute('**/api/v1/**', take);
    await Promise.all(held.map(pass));
  } };
}

const asksFor = (method, path) => (request) => request.method() === method && new URL(request.url()).pathname === `/api/v1${path}`;
const hash = () => page.evaluate(() => location.hash);
const painted = () => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));

test('a search that is answered late does not replace a newer one', async () => {
  const { held, release } = await hold((request) => request.url().includes('search=Shop+1&'));
  await page.getByLabel('Search sources').fill('Shop 1');
  await eventually('the first search', () => held.length >= 1);
  await page.getByLabel('Search sources').fill('Shop 7');
  await eventually('one row', async () => await page.getByRole('rowheader').count() === 1);
  const answered = page.waitForResponse((response) => response.url().includes('search=Shop+1&'), { timeout: 1_000 }).catch(() => null);
  await release();
  await answered;
  await painted();
  assert.deepEqual(await page.getByRole('rowheader').allInnerTexts(), ['Shop 7']);
});

test('a user who was looked up before another one, and is answered after, is not shown', async () => {
  await house.redis.command('HSET', 'user:slow', 'who', 'slow');
  await house.redis.command('HSET', 'user:ada', 'who', 'ada');
  await go(page, '/profiles?destination=profiles');
  const { held, release } = await hold(asksFor('GET', '/profiles/profiles/slow'));
  await page.getByLabel('User id').fill('slow');
  await page.keyboard.press('Enter');
  await eventually('the first look-up', () => held.length === 1);
  await page.getByLabel('User id').fill('ada');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: 'who ada' }).waitFor();
  await page.goBack();
  await eventually('the first one again', () => held.length === 2);
  await page.getByText('Looking…').waitFor();
  await page.goForward();
  await page.getByRole('row', { name: 'who ada' }).waitFor();
  await release();
  await painted();
  assert.equal(await page.getByLabel('User id').inputValue(), 'ada');
  assert.equal(await page.getByRole('row', { name: 'who ada' }).count(), 1);
});

test('whoever has left is not taken along when a removal ends, and loses nothing that was typed', async () => {
  await go(page, '/sources/s3');
  const { held, release } = await hold(asksFor('DELETE', '/sources/s3'));
  await page.getByRole('button', { name: 'Remove source' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await eventually('the removal', () => held.length === 1);
  await go(page, '/destinations/profiles');
  await page.getByLabel('Key prefix').fill('typed');
  await release();
  await page.getByText('Shop 3 is removed.').waitFor();
  assert.equal(await hash(), '#/destinations/profiles');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Leave without saving?' }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('a wizard that was left while it saved does not put its address over that of another page', async () => {
  await go(page, '/destinations/add/wizard?step=settings&source=web&name=Late');
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Key prefix').fill('late');
  const { held, release } = await hold(asksFor('POST', '/destinations'));
  await page.getByRole('button', { name: 'Save destination' }).click();
  await eventually('the saving', () => held.length === 1);
  await go(page, '/audit');
  await release();
  await page.getByText('Late is saved.').waitFor();
  assert.equal(await hash(), '#/audit');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Undone.').waitFor();
  assert.equal(await hash(), '#/audit');
  assert.doesNotMatch(house.kenwell.config, /Late/);
});

test('what was asked before the key was changed, and is answered after, does not bring the old key back', async () => {
  await go(page, '/sources/s5');
  await page.getByRole('button', { name: 'Rotate key' }).waitFor();
  const looks = [];
  const keep = async (route) => { looks.push([route, await route.fetch()]); };
  await page.route('**/api/v1/sources/s5', keep);
  await eventually('a look', () => looks.length === 1);
  // Told that the file is another one, the page would look again.
  const { release } = await hold(asksFor('GET', '/configuration'));
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate key' }).click();
  await page.getByText('The new key is in force.').waitFor();
  await page.unroute('**/api/v1/sources/s5', keep);
  const [[route, response]] = looks;
  await route.fulfill({ response });
  await painted();
  const { write_key: now } = await house.kenwell.api('GET', '/sources/s5');
  assert.equal(await page.getByRole('region', { name: 'Write key' }).innerText(), now);
  await release();
});

test('a question of a page that was left is answered with no', async () => {
  await go(page, '/sources');
  await go(page, '/sources/s5');
  await page.getByRole('button', { name: 'Remove source' }).click();
  await page.getByRole('dialog').waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.match(house.kenwell.config, /Shop 5/);
});

test('what is typed while a newer version is on its way stays', async () => {
  await go(page, '/destinations/profiles');
  await page.getByLabel('Key prefix').waitFor();
  const { held, release } = await hold(asksFor('GET', '/destinations/profiles'));
  await house.kenwell.api('PATCH', '/destinations/profiles', { name: 'Theirs' });
  // One is for the numbers.
  await eventually('the newer version to be asked for', () => held.length >= 2);
  await page.getByLabel('Key prefix').fill('typed');
  await release();
  await page.getByText('This has been changed meanwhile').waitFor();
  assert.equal(await page.getByLabel('Key prefix').inputValue(), 'typed');
  await house.kenwell.api('PATCH', '/destinations/profiles', { name: 'Profiles' });
});

test('what is typed while a change is saved stays, and is saved with the next one', async () => {
  await go(page, '/sources');
  await go(page, '/destinations/profiles');
  await page.getByLabel('Key prefix').fill('first');
  const { held, release } = await hold(asksFor('PATCH', '/destinations/profiles'));
  await page.getByRole('button', { name: 'Save' }).click();
  await eventually('the saving', () => held.length === 1);
  await page.getByLabel('Name', { exact: true }).fill('Second');
  await release();
  const saved = page.locator('.toast').filter({ hasText: 'Saved, and in force.' });
  await saved.waitFor();
  await saved.evaluate((toast) => toast.remove());
  await painted();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Second');
  assert.match(house.kenwell.config, /name = "Profiles"\n.*\n.*\nprefix = "first"/);
  await page.getByRole('button', { name: 'Save' }).click();
  await saved.waitFor();
  assert.match(house.kenwell.config, /name = "Second"\n.*\n.*\nprefix = "first"/);
  await house.kenwell.api('PATCH', '/destinations/profiles', { name: 'Profiles', prefix: null });
});

test('what was done is said, also when the look afterwards does not succeed', async () => {
  page.watch.allow(/^refusal: 503 GET \/api\/v1\/configuration$/);
  await go(page, '/sources');
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Once only');
  await page.route('**/api/v1/configuration', (route) => route.fulfill({ status: 503, json: { error: { message: 'not now' } } }));
  await page.getByRole('button', { name: 'Add source' }).click();
  await page.getByText('Once only is there').waitFor();
  await page.getByRole('heading', { level: 1, name: 'Once only' }).waitFor();
  await page.unroute('**/api/v1/configuration');
});

test('a page that could not be had is asked for again by its button', async () => {
  page.watch.allow(/^refusal: 503 GET \/api\/v1\/destination-fields$/);
  await page.route('**/api/v1/destination-fields', (route) => route.fulfill({ status: 503, json: { error: { message: 'not now' } } }));
  await go(page, '/destinations/profiles');
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  assert.equal(await page.locator('.page').getByText('not now').count(), 1);
  await page.unroute('**/api/v1/destination-fields');
  await again.click();
  await page.getByLabel('Key prefix').waitFor();
  assert.equal(await page.locator('.page').getByText('not now').count(), 0);
});

test('whoever was looked up before is not shown as the one who is asked for', async () => {
  await go(page, '/profiles?destination=profiles&user=ada');
  await page.getByRole('row', { name: 'who ada' }).waitFor();
  const { held, release } = await hold(asksFor('GET', '/profiles/profiles/slow'));
  await page.getByLabel('User id').fill('slow');
  await page.keyboard.press('Enter');
  await page.getByText('Looking…').waitFor();
  assert.equal(await page.getByRole('row', { name: 'who ada' }).count(), 0);
  await eventually('the look-up', () => held.length === 1);
  await release();
  await page.getByRole('row', { name: 'who slow' }).waitFor();
});

/** How long the page waits from now on for what is quick by nature, instead of 30 seconds. */
const waitAtMost = (most) => page.evaluate((limit) => {
  window.timeout ??= AbortSignal.timeout;
  AbortSignal.timeout = (milliseconds) => window.timeout.call(AbortSignal, milliseconds === 30_000 ? limit : milliseconds);
}, most);

test('an answer that takes too long is told where it is missing, and what is long by nature is waited for', async () => {
  const { release } = await hold(asksFor('GET', '/audit'));
  await waitAtMost(500);
  await go(page, '/audit');
  await page.locator('.page').getByText('Kenwell has not answered within 30 seconds.').waitFor();
  await waitAtMost(30_000);
  await release();
  await go(page, '/destinations/profiles');
  await page.getByLabel('Key prefix').waitFor();
  const long = await hold((request) => request.method() === 'POST' && /\/(test|replay)$/.test(request.url()));
  await waitAtMost(500);
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByRole('button', { name: 'Deliver again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Deliver again' }).click();
  await eventually('both', () => long.held.length === 2);
  await page.waitForTimeout(1_000);
  await long.release();
  await page.getByText('will be delivered again').waitFor();
  await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
  await waitAtMost(30_000);
});

test('what answers instead of Kenwell is told in words', async () => {
  await page.route('**/api/v1/audit*', (route) => route.fulfill({ contentType: 'text/html', body: '<h1>Welcome to the hotel</h1>' }));
  await go(page, '/audit');
  await page.getByText('Something between this browser and Kenwell answered').waitFor();
});
