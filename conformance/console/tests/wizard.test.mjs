// The whole way from an empty installation to a user's hash, with the mouse and with the keyboard alone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import Analytics from '@rudderstack/rudder-sdk-node';
import { eventually } from '../support/children.mjs';
import { go, House, nothing } from '../support/house.mjs';

const house = new House();
before(() => house.start(nothing));
afterEach(() => house.leave());
after(() => house.stop());

/** One identify, sent by an unmodified SDK. */
async function identify(writeKey, userId, traits) {
  const errors = [];
  const analytics = new Analytics(writeKey, {
    dataPlaneUrl: house.kenwell.url, gzip: false, errorHandler: (error) => errors.push(String(error)),
  });
  analytics.identify({ userId, traits });
  await analytics.flush();
  assert.deepEqual(errors, []);
}

const source = async (name) => (await house.kenwell.api('GET', '/sources')).sources.find((one) => one.name === name);

test('a source and a Redis are added, and what an SDK sends is seen in Live events and Profiles', async () => {
  const page = await house.signedIn();
  await page.getByRole('link', { name: 'Add a destination' }).click();
  await page.getByLabel('Name of the new source').fill('Web site');
  await page.getByRole('button', { name: 'Next' }).click();
  assert.equal(await page.getByRole('radio', { name: /Redis/ }).isChecked(), true);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Profiles');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Key prefix').fill('shop');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
  await page.getByRole('button', { name: 'Save destination' }).click();
  await page.getByRole('heading', { name: 'Profiles is connected' }).waitFor();
  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.getByText('shop:user:kenwell-test', { exact: true }).waitFor();
  assert.match(house.kenwell.config, /# Written by hand; the console keeps this line\./);

  await page.getByRole('link', { name: 'Watch live events' }).click();
  await page.getByText('Watching', { exact: true }).waitFor();
  await identify((await source('Web site')).write_key, 'ada', { name: 'Ada Lovelace', plan: { tier: 'pro' } });
  await page.getByRole('button', { name: 'Show personal values' }).click();
  const line = page.locator('.event').filter({ hasText: 'Written' }).filter({ hasText: 'ada' });
  await line.locator('summary').click();
  await line.getByText('HSET shop:user:ada name "Ada Lovelace" plan.tier pro').waitFor();
  await line.getByRole('link', { name: 'Open profile' }).click();
  await page.getByRole('row', { name: 'plan.tier pro' }).waitFor();
  assert.deepEqual(await house.redis.hash('shop:user:ada'), { name: 'Ada Lovelace', 'plan.tier': 'pro' });
});

test('the wizard can be walked with the keyboard alone', async () => {
  const page = await house.signedIn();
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.name);
  /** Tabs on until something with that name has the focus. */
  const tabTo = async (name) => {
    for (let steps = 0; steps < 60; steps += 1) {
      await press('Tab');
      const at = await page.evaluate(() => {
        const { activeElement: element } = document;
        return element.labels?.[0]?.textContent ?? element.textContent;
      });
      if (at.trim() === name) return;
    }
    assert.fail(`the keyboard never came to "${name}"`);
  };
  await page.locator('body').press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await press('Enter');
  await go(page, '/destinations');
  await tabTo('Add a destination');
  await press('Enter');
  // Before that there is nothing to come to. One letter chooses: between two, too much time may pass for them to be one word.
  await page.getByLabel('Source', { exact: true }).waitFor();
  await tabTo('Source');
  await press('A');
  await tabTo('Name of the new source');
  await page.keyboard.type('App');
  await press('Enter');
  await eventually('the step of the type', async () => (await focused()) === 'Choose a type');
  await tabTo('Next');
  await press('Enter');
  await tabTo('Name');
  await page.keyboard.type('App profiles');
  await press('Enter');
  await eventually('the step of the settings', async () => (await focused()) === 'Connection settings');
  await tabTo('Address');
  await page.keyboard.type(house.redis.address);
  await tabTo('Key prefix');
  await page.keyboard.type('app');
  await tabTo('Test connection');
  await press('Enter');
  await page.getByRole('heading', { name: /^The connection works/ }).waitFor();
  assert.equal(await focused(), 'Test connection');
  await press('Shift+Tab', 'Enter');
  await eventually('the last step', async () => (await focused()) === 'App profiles is connected');
  const made = (await house.kenwell.api('GET', '/destinations')).destinations.find((one) => one.id === 'app-profiles');
  assert.deepEqual([made.prefix, made.sources], ['app', [(await source('App')).id]]);
});

test('what is wrong is said at its field, and nothing typed is lost', async () => {
  const page = await house.signedIn('/destinations/add/wizard');
  page.watch.allow(/^refusal: 422 POST \/api\/v1\/destinations$/);
  const { sources } = await house.kenwell.api('GET', '/sources');
  await page.getByLabel('Source', { exact: true }).selectOption(sources[0].id);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Give the destination a name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Wrong');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Key prefix').fill('kept');
  await page.getByLabel('Address').fill('localhost');
  await page.getByRole('button', { name: 'Save destination' }).click();
  const address = page.getByLabel('Address');
  await eventually('a mark at the address', async () => (await address.getAttribute('aria-invalid')) === 'true');
  assert.equal(await address.evaluate((element) => element === document.activeElement), true);
  const described = await address.evaluate((element) => element.getAttribute('aria-describedby').split(' ')
    .map((id) => document.getElementById(id).textContent).join(' '));
  assert.match(described, /port/);
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  assert.equal(await page.getByLabel('Key prefix').inputValue(), 'kept');
});
