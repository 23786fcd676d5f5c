// What was typed and not saved is not lost by leaving; what was stopped can be undone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const hash = (page) => page.evaluate(() => location.hash);
const question = (page) => page.getByRole('dialog').getByRole('heading', { name: 'Leave without saving?' });
const answer = (page, name) => page.getByRole('dialog').getByRole('button', { name }).click();

test('unsaved settings ask before they are left, by a link and by Back', async () => {
  const page = await house.signedIn('/destinations');
  await page.getByRole('link', { name: 'Profiles', exact: true }).nth(1).click();
  await page.getByLabel('Key prefix').fill('typed');
  await page.getByRole('link', { name: 'Overview' }).click();
  await question(page).waitFor();
  await answer(page, 'Cancel');
  await eventually('the address of before', async () => await hash(page) === '#/destinations/profiles');
  assert.equal(await page.getByLabel('Key prefix').inputValue(), 'typed');
  await page.goBack();
  await question(page).waitFor();
  await page.keyboard.press('Escape');
  await eventually('the address of before', async () => await hash(page) === '#/destinations/profiles');
  assert.equal(await page.getByLabel('Key prefix').inputValue(), 'typed');
  await page.goBack();
  await question(page).waitFor();
  await answer(page, 'Leave');
  await page.getByRole('heading', { level: 1, name: 'Destinations' }).waitFor();
  assert.doesNotMatch(house.kenwell.config, /typed/);
  await page.goForward();
  await page.getByLabel('Key prefix').waitFor();
  assert.equal(await page.getByLabel('Key prefix').inputValue(), '');
});

test('what was put back, and what was saved, asks nothing', async () => {
  const page = await house.signedIn('/sources/web');
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('Another name');
  await name.fill('Web site');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.goBack();
  await name.fill('Shop');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Web site' });
});

test('a half-filled wizard asks, and so does closing the tab', async () => {
  const page = await house.signedIn('/destinations/add/wizard');
  page.watch.allow(/^dialog: /);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Europe');
  await page.getByRole('link', { name: 'Sources' }).click();
  await question(page).waitFor();
  await answer(page, 'Cancel');
  const [dialog] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
  assert.equal(dialog.type(), 'beforeunload');
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Europe');
});

test('a session that ends takes nothing that was typed with it', async () => {
  const page = await house.signedIn('/destinations/profiles');
  page.watch.allow(/^refusal: 40[13] (GET|PATCH) \/api/);
  await page.getByLabel('Name', { exact: true }).fill('Typed before');
  await page.context().clearCookies();
  const [tab] = await Promise.all([page.context().waitForEvent('page'), page.locator('#banner').getByRole('link', { name: 'Sign in' }).click()]);
  await tab.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved, and in force.').waitFor();
  assert.match(house.kenwell.config, /name = "Typed before"/);
  await house.kenwell.api('PATCH', '/destinations/profiles', { name: 'Profiles' });
});

test('what is typed of a source stays while its key, its state and its settings are changed beside it', async () => {
  const page = await house.signedIn('/sources/web');
  const name = page.getByLabel('Name', { exact: true });
  const traits = page.getByLabel('Traits (JSON)');
  await name.fill('Typed');
  await traits.fill('{"typed": true}');
  const key = page.getByRole('region', { name: 'Write key' });
  await page.getByRole('tab', { name: 'Node' }).click();
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await answer(page, 'Rotate key');
  await page.getByText('The new key is in force.').waitFor();
  const { write_key: now } = await house.kenwell.api('GET', '/sources/web');
  assert.equal(await key.innerText(), now);
  assert.ok((await page.getByRole('region', { name: 'Node code' }).innerText()).includes(now));
  await page.getByRole('button', { name: 'Disable', exact: true }).click();
  await page.getByRole('button', { name: 'Enable', exact: true }).click();
  await page.getByText('Web site is enabled.').waitFor();
  const [looked] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/api/v1/destinations')),
    house.kenwell.api('POST', '/destinations', { name: 'Meanwhile', address: house.redis.address, paused: true, prefix: 'meanwhile' }),
  ]);
  await looked.finished();
  assert.deepEqual([await name.inputValue(), await page.locator('.stale').count()], ['Typed', 0]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.', { exact: true }).waitFor();
  assert.match(house.kenwell.config, /name = "Typed"/);
  assert.equal(await traits.inputValue(), '{"typed": true}');
  await page.getByLabel('Meanwhile').waitFor();
  await house.kenwell.api('DELETE', '/destinations/meanwhile');
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Web site' });
  house.kenwell.config = house.kenwell.config.replace(now, WRITE_KEY);
  await eventually('the key of before', async () => (await house.kenwell.api('GET', '/sources/web')).write_key === WRITE_KEY);
});

test('a sign-out that does not succeed takes nothing that was typed', async () => {
  const page = await house.signedIn('/destinations/profiles');
  page.watch.allow(/^refusal: 503 DELETE \/api\/v1\/session$/);
  // What the page was asking for while the session ended.
  page.watch.allow(/^refusal: 401 GET \/api/);
  await page.getByLabel('Key prefix').fill('typed');
  await page.route('**/api/v1/session', (route) => route.fulfill({ status: 503, json: { error: { message: 'not now' } } }));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await answer(page, 'Leave');
  await page.getByText('not now').waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await question(page).waitFor();
  await answer(page, 'Cancel');
  await page.unroute('**/api/v1/session');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await answer(page, 'Leave');
  await page.getByLabel('Admin key').waitFor();
});

test('pausing and disabling can be undone', async () => {
  const page = await house.signedIn('/destinations');
  await page.getByRole('button', { name: 'Pause Profiles' }).click();
  await eventually('the pause in the file', () => /paused = true/.test(house.kenwell.config));
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually('no pause in the file', () => !/paused = true/.test(house.kenwell.config));
  await page.getByText('Undone.').waitFor();
  await page.getByRole('link', { name: 'Sources' }).click();
  await page.getByRole('button', { name: 'Disable Web site' }).click();
  await page.getByRole('row', { name: /Web site Disabled/ }).waitFor();
  assert.match(house.kenwell.config, /enabled = false/);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('row', { name: /Web site Enabled/ }).waitFor();
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'x', traits: { a: 1 } });
});

test('disabling a destination asks, because what comes meanwhile is not made up for', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Enabled').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText('not even later').waitFor();
  await answer(page, 'Cancel');
  assert.doesNotMatch(house.kenwell.config, /enabled = false/);
  await page.getByRole('button', { name: 'Save' }).click();
  await answer(page, 'Disable');
  await page.getByText('Saved, and in force.').waitFor();
  await house.kenwell.api('PATCH', '/destinations/profiles', { enabled: true });
});
