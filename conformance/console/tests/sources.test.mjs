// Sources: added, rotated, disabled, with snippets that work and a test event.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, output } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const sourceNamed = async (name) => (await house.kenwell.api('GET', '/sources')).sources.find((one) => one.name === name);

test('a source is added with a key of its own, and its curl snippet works as it stands', async () => {
  const page = await house.signedIn('/sources');
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Mobile app');
  await page.getByRole('button', { name: 'Add source' }).click();
  await page.getByRole('heading', { level: 1, name: 'Mobile app' }).waitFor();
  const { write_key: key } = await sourceNamed('Mobile app');
  for (const language of ['JavaScript (browser)', 'Node', 'Python', 'Go', 'curl']) {
    await page.getByRole('tab', { name: language }).click();
    const code = await page.getByRole('tabpanel').locator('code').innerText();
    assert.ok(code.includes(key) && code.includes(house.kenwell.url), `${language}: ${code}`);
  }
  const code = await page.getByRole('tabpanel').locator('code').innerText();
  assert.equal((await output('sh', ['-c', code.replace('curl ', 'curl -sS ')])).toLowerCase(), 'ok');
  await eventually('the hash', async () => (await house.redis.hash('user:u1')).name === 'Zoë');
});

test('the form for a new source stays when it is asked for again', async () => {
  const page = await house.signedIn('/sources');
  const add = page.getByRole('button', { name: 'Add a source' });
  await add.click();
  await page.getByLabel('Name', { exact: true }).fill('Half typed');
  const answered = page.waitForResponse('**/api/v1/destinations', { timeout: 1_000 }).catch(() => null);
  await add.click();
  await answered;
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Half typed');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'name');
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Add a source');
});

test('a test event shows the hash that it became', async () => {
  const page = await house.signedIn('/sources/web');
  await page.getByLabel('User id').fill('trial');
  await page.getByLabel('Traits (JSON)').fill('{"city": "Pune", "deep": {"er": [1, 2]}}');
  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.getByRole('row', { name: 'deep.er [1,2]' }).waitFor();
  assert.deepEqual(await house.redis.hash('user:trial'), { city: 'Pune', 'deep.er': '[1,2]' });
  await page.getByLabel('Traits (JSON)').fill('{"large": 12345678901234567891}');
  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.getByRole('row', { name: 'large 12345678901234567891' }).waitFor();
  await page.getByLabel('Traits (JSON)').fill('[1]');
  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.getByText('Write a JSON object').waitFor();
});

test('a key is rotated: the old one is refused, the new one works', async () => {
  const page = await house.signedIn('/sources/web');
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await sourceNamed('Web site')).write_key, WRITE_KEY);
  await page.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate key' }).click();
  await page.getByText('The new key is in force.').waitFor();
  const { write_key: key } = await sourceNamed('Web site');
  assert.notEqual(key, WRITE_KEY);
  assert.equal(await page.getByRole('region', { name: 'Write key' }).innerText(), key);
  const event = { type: 'identify', userId: 'rotated', traits: { a: 1 } };
  await assert.rejects(house.kenwell.send(WRITE_KEY, event), /401/);
  await house.kenwell.send(key, event);
  assert.match(house.kenwell.config, /name = "Web site" # the shop/);
});

test('a source is disabled and enabled', async () => {
  const page = await house.signedIn('/sources');
  await page.getByRole('button', { name: 'Copy write key of Web site' }).waitFor();
  const { write_key: key } = await sourceNamed('Web site');
  const event = { type: 'identify', userId: 'x', traits: { a: 1 } };
  await page.getByRole('button', { name: 'Disable Web site' }).click();
  await page.getByRole('row', { name: /Web site Disabled/ }).waitFor();
  await assert.rejects(house.kenwell.send(key, event), /404/);
  await page.getByRole('button', { name: 'Enable Web site' }).click();
  await page.getByRole('row', { name: /Web site Enabled/ }).waitFor();
  await house.kenwell.send(key, event);
});

test('a source is removed after a question', async () => {
  await house.kenwell.api('POST', '/sources', { name: 'Short lived' });
  const page = await house.signedIn('/sources/short-lived');
  page.watch.allowGone('/sources/short-lived');
  await page.getByRole('button', { name: 'Remove source' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor();
  await page.getByRole('link', { name: 'Web site' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Short lived' }).count(), 0);
});
