// Two people at one time: only who changes the same thing is in the other's way; a change is shown before it is made, and undone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { join } from 'node:path';
import { eventually, freePort } from '../support/children.mjs';
import { go, House } from '../support/house.mjs';
import { Redis } from '../support/redis.mjs';

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

test('what somebody else has changed since is not undone', async () => {
  const page = await house.signedIn('/sources/web');
  page.watch.allow(/^refusal: 409 (PATCH|POST|DELETE) /);
  const name = page.getByLabel('Name', { exact: true });
  const undo = async (done) => {
    await page.locator('.toast').filter({ hasText: done }).getByRole('button', { name: 'Undo' }).click();
    await page.locator('.toast').filter({ hasText: 'was changed meanwhile' }).waitFor();
    await page.locator('.toast').evaluateAll((all) => { for (const one of all) one.remove(); });
  };
  await name.fill('Mine');
  await save(page);
  await page.getByText('Saved.', { exact: true }).waitFor();
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Theirs' });
  await undo(/^Saved\./);
  assert.match(house.kenwell.config, /name = "Theirs"/);
  await page.getByRole('button', { name: 'Disable', exact: true }).click();
  await page.getByRole('button', { name: 'Enable', exact: true }).waitFor();
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Disabled for good' });
  await undo(/is disabled/);
  assert.match(house.kenwell.config, /enabled = false/);
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Web site', enabled: true });

  await go(page, '/destinations/profiles');
  await page.getByLabel('Key prefix').fill('mine');
  await save(page);
  await saved(page);
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: 'theirs' });
  await undo(/^Saved, /);
  assert.match(house.kenwell.config, /prefix = "theirs"/);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: 'not ready yet' });
  await undo(/is paused/);
  assert.match(house.kenwell.config, /paused = true/);
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: null, paused: null });

  await go(page, '/destinations/add/wizard?step=settings&source=web&name=Made');
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Key prefix').fill('made');
  await page.getByRole('button', { name: 'Save destination' }).click();
  await page.getByRole('heading', { name: /^Made is / }).waitFor();
  await house.kenwell.api('PATCH', '/destinations/made', { name: 'Taken over' });
  await undo(/^Made is saved/);
  page.watch.allowGone('/destinations/made');
  await house.kenwell.api('DELETE', '/destinations/made');
});

test('what is shown of a change goes when something else is typed', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Key prefix').fill('first');
  await page.getByRole('button', { name: 'Show the change' }).click();
  const shown = page.getByRole('region', { name: 'What changes in kenwell.toml' });
  await shown.getByText('+ prefix = "first"').waitFor();
  await page.getByLabel('Key prefix').fill('second');
  assert.equal(await shown.count(), 0);
  await page.getByRole('button', { name: 'Show the change' }).click();
  await shown.getByText('+ prefix = "second"').waitFor();
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
  const outdated = page.getByText('Something stands in the form now that was not tested.');
  await outdated.waitFor();
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
  assert.equal(await outdated.isVisible(), false);
  await page.getByLabel('Address').fill('127.0.0.1:1');
  assert.equal(await outdated.isVisible(), true);
});

test('what a page has found or chosen stays when something else in the file is changed', async () => {
  const page = await house.signedIn('/destinations/profiles');
  // What the page has given up meanwhile has no content.
  const answer = (path, fits = () => true) => page.waitForResponse(async (response) => response.url().endsWith(`/api/v1${path}`)
    && response.json().then(fits, () => false));
  await page.getByRole('button', { name: 'Test connection' }).click();
  const found = page.getByRole('heading', { name: /^The connection works/ });
  await found.waitFor();
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Other' });
  const { revision } = await house.kenwell.api('GET', '/configuration');
  await answer('/configuration', (now) => now.revision === revision);
  // Told that the file is another one, the page asks for what it shows of it.
  for (let times = 0; times < 2; times += 1) await answer('/destinations/profiles');
  assert.equal(await found.count(), 1);

  await go(page, '/sources/web');
  const python = page.getByRole('tab', { name: 'Python' });
  await python.click();
  const asked = answer('/overview');
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: 'other' });
  await asked;
  await answer('/sources/web');
  assert.equal(await python.getAttribute('aria-selected'), 'true');
  await house.kenwell.api('PATCH', '/destinations/profiles', { prefix: null });
  await house.kenwell.api('PATCH', '/sources/web', { name: 'Web site' });
});

test('an address that a cluster names and that leads nowhere from here is mapped by a button, shown, saved and undone', async () => {
  const cluster = await new Redis(join(house.directory, 'cluster'), {
    options: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), '--cluster-announce-ip', '127.0.0.2', '--appendonly', 'no'],
  }).start();
  try {
    await cluster.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    // In its first two seconds a cluster takes no writes, and the check writes.
    await eventually('the cluster to be up', async () => (await cluster.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    await house.kenwell.api('POST', '/destinations', { name: 'Cluster', address: cluster.address, cluster_mode: true });
    const page = await house.signedIn('/destinations/cluster');
    const map = page.getByLabel('Servers seen from here');
    // Each check that fails because of it has one.
    const add = page.getByRole('button', { name: 'Add 127.0.0.2 to address_map' }).first();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await add.click();
    assert.equal(await map.inputValue(), '127.0.0.2 = 127.0.0.1');
    await page.getByRole('button', { name: 'Undo' }).click();
    await eventually('the empty field of before', async () => await map.inputValue() === '');
    await add.click();
    await page.getByRole('button', { name: 'Show the change' }).click();
    const shown = page.getByRole('region', { name: 'What changes in kenwell.toml' });
    await shown.getByText('+ address_map = { "127.0.0.2" = "127.0.0.1" }').waitFor();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
    await save(page);
    await saved(page);
    assert.match(house.kenwell.config, /address_map = \{ "127\.0\.0\.2" = "127\.0\.0\.1" \}/);
    await page.locator('.toast').filter({ hasText: /^Saved, / }).getByRole('button', { name: 'Undo' }).click();
    await eventually('the file of before', () => !house.kenwell.config.includes('address_map'));
  } finally {
    await cluster.stop();
  }
});

test('the API reference tells every call', async () => {
  const page = await house.signedIn();
  await page.getByRole('link', { name: 'API reference' }).click();
  await page.getByText('PATCH /api/v1/destinations/{id}', { exact: true }).waitFor();
  const { paths } = await house.kenwell.api('GET', '/openapi.json');
  const calls = Object.values(paths).flatMap((all) => Object.keys(all).filter((one) => /^(get|post|put|patch|delete)$/.test(one)));
  assert.equal(await page.locator('.calls tbody tr').count(), calls.length);
});
