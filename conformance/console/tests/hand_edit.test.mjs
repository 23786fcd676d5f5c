// The file edited by hand while the console is open; a broken edit; a file that cannot be written.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

test('an edit by hand shows up on the open page', async () => {
  const page = await house.signedIn('/sources');
  await page.getByRole('link', { name: 'Web site' }).waitFor();
  house.kenwell.config += '\n[[sources]]\nid = "by-hand"\nname = "Added by hand"\nwrite_key = "key-by-hand"\ndestinations = ["profiles"]\n';
  await page.getByRole('link', { name: 'Added by hand' }).waitFor();
  await house.kenwell.send('key-by-hand', { type: 'identify', userId: 'hand', traits: { a: 1 } });
  await eventually('its event in Redis', async () => (await house.redis.hash('user:hand')).a === '1');
});

test('a broken edit is shown with its line, and what ran before goes on', async () => {
  const page = await house.signedIn('/sources');
  const good = house.kenwell.config;
  house.kenwell.config = good.replace('name = "Web site"', 'nmae = "Web site"');
  const banner = page.locator('#banner .box.bad');
  await banner.getByText('nmae').first().waitFor();
  const line = good.split('\n').findIndex((text) => text.includes('name = "Web site"')) + 1;
  assert.match(await banner.innerText(), new RegExp(`line ${line}\\)`));
  assert.match(await banner.innerText(), /Kenwell goes on with the configuration from before/);
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'still', traits: { a: 1 } });
  await eventually('its event in Redis', async () => (await house.redis.hash('user:still')).a === '1');
  house.kenwell.config = good;
  await banner.waitFor({ state: 'detached' });
});

test('a setting that needs a restart says so', async () => {
  const page = await house.signedIn('/sources');
  const good = house.kenwell.config;
  house.kenwell.config = good.replace('data_dir = "data"', 'data_dir = "elsewhere"');
  await page.locator('#banner').getByText('data_dir').waitFor();
  assert.match(await page.locator('#banner').innerText(), /Restart Kenwell/);
  house.kenwell.config = good;
  await page.locator('#banner .box').waitFor({ state: 'detached' });
});

// Root may write whatever the permissions say.
test('a file that cannot be written turns changes off', { skip: process.getuid() === 0 ? 'root can write every file' : false }, async () => {
  const page = await house.signedIn('/sources');
  const places = [[house.kenwell.configFile, 0o400, 0o600], [dirname(house.kenwell.configFile), 0o500, 0o700]];
  for (const [place, closed] of places) chmodSync(place, closed);
  try {
    await page.locator('#banner').getByText('Changes are off').waitFor();
  } finally {
    for (const [place, , open] of places) chmodSync(place, open);
  }
});
