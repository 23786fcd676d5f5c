// Two people at one time: only who changes the same thing is in the other's way; a change is shown before it is made, and undone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const save = (page) => page.getByRole('button', { name: 'Save' }).click();
const saved = (page) => page.getByText('Saved, and in force.').waitFor();

test('who changes something else, by hand or in another tab, is in nobody\'s way', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Key prefix').fill('mine');
  house.kenwell.config = `${house.kenwell.config}\n[[sources]]\nid = "by-hand"\nname = "By hand"\nwrite_key = "key-by-hand"\n`;
  await eventually('the edit to be read', async () => (await house.kenwell.api('GET', '/sources')).sources.length === 2);
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Renamed meanwhile' });
  await house.kenwell.api('POST', '/destinations/profiles/pause');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  assert.equal(await page.locator('.stale').count(), 0);
  assert.equal(await page.getByLabel('Key prefix').inputValue(), 'mine');
  await save(page);
  await saved(page);
  for (const expected of [/prefix = "mine"/, /name = "By hand"/, /name = "Renamed meanwhile"/]) assert.match(house.kenwell.config, expected);
});

test('two who change the same source: the second is told', async () => {
  const page = await house.signedIn('/sources/web');
  page.watch.allow(/^refusal: 409 PATCH/);
  await page.getByLabel('Name', { exact: true }).fill('Second');
  await house.kenwell.api('PATCH', '/sources/web', { name: 'First' });
  await page.getByText('This has been changed meanwhile').waitFor();
  await save(page);
  await page.locator('form .box.bad').getByText('the source "web" was changed meanwhile').waitFor();
  assert.match(house.kenwell.config, /name = "First"/);
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Second');
});

test('a change is shown as it would stand in the file, without secrets, and undone after it was saved', async () => {
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: 'before', password: 's3cret-of-the-test' });
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Key prefix').fill('after');
  await page.getByRole('button', { name: 'Show the change' }).click();
  const shown = page.getByRole('region', { name: 'What changes in kenwell.toml' });
  await shown.getByText('+ prefix = "after"').waitFor();
  assert.match(await shown.innerText(), /- prefix = "before"/);
  assert.match(await shown.innerText(), / {2}password = "\(hidden\)"/);
  assert.equal((await page.content()).includes('s3cret-of-the-test'), false);
  assert.match(house.kenwell.config, /prefix = "before"/);
  await save(page);
  await saved(page);
  assert.match(house.kenwell.config, /prefix = "after"/);
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually('the prefix of before', () => /prefix = "before"/.test(house.kenwell.config));
  assert.match(house.kenwell.config, /password = "s3cret-of-the-test"/);
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: null, password: null });
});

test('a cure that is a setting is put into the form by its button, and taken out again', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Kind').selectOption('cluster');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByRole('button', { name: 'Set cluster_mode = false' }).click();
  assert.equal(await page.getByLabel('Kind').inputValue(), 'standalone');
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually('the kind of before', async () => await page.getByLabel('Kind').inputValue() === 'cluster');
  await page.getByRole('button', { name: 'Set cluster_mode = false' }).click();
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
});

test('the API reference tells every call', async () => {
  const page = await house.signedIn();
  await page.getByRole('link', { name: 'API reference' }).click();
  await page.getByText('PATCH /api/v1/destinations/{id}', { exact: true }).waitFor();
  const { paths } = await house.kenwell.api('GET', '/openapi.json');
  const calls = Object.values(paths).flatMap((all) => Object.keys(all).filter((one) => /^(get|post|put|patch|delete)$/.test(one)));
  assert.equal(await page.locator('.calls tbody tr').count(), calls.length);
});
