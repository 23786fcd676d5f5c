// What waits for somebody stands beside the name of its page; what is connected says so, and what is not does not; the picture of who sends where.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, freePort } from '../support/children.mjs';
import { PHONE } from '../support/browser.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';
import { Redis } from '../support/redis.mjs';
import { join } from 'node:path';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

test('destinations that wait are counted beside the name of their page', async () => {
  const page = await house.signedIn('/profiles');
  const badge = page.locator('#waiting');
  assert.equal(await badge.isVisible(), false);
  await house.redis.stop();
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'x', traits: { a: 1 } });
  await page.getByRole('link', { name: 'Destinations 1 waiting' }).waitFor();
  await house.redis.start();
  await badge.waitFor({ state: 'hidden' });
});

test('a destination is connected when its Redis has answered, and not before', async () => {
  const port = await freePort();
  const redis = new Redis(join(house.directory, 'late'));
  redis.port = port;
  const page = await house.signedIn('/destinations/add/wizard?step=settings&source=web&name=Late');
  await page.getByLabel('Address').fill(redis.address);
  await page.getByLabel('Key prefix').fill('late');
  await page.getByRole('button', { name: 'Save destination' }).click();
  await page.getByRole('heading', { name: 'Late is saved' }).waitFor();
  await page.getByText('is not reached').waitFor();
  assert.equal(await page.getByText('is connected').count(), 0);
  await redis.start();
  try {
    await page.getByRole('heading', { name: 'Late is connected' }).waitFor();
    await page.getByText(`arrives in ${redis.address}`).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Late is connected' }).waitFor();
  } finally {
    page.watch.allowGone('/destinations/late');
    await house.kenwell.api('DELETE', '/destinations/late');
    await redis.stop();
  }
});

test('the picture shows who sends where, as links and in words, on a phone too', async () => {
  await house.kenwell.api('POST', '/destinations', { name: 'A second store with a name that is longer than any box', address: '127.0.0.1:1', id: 'second', sources: ['web'] });
  await house.kenwell.api('POST', '/sources', { name: 'Nowhere' });
  for (const viewport of [PHONE, { width: 1280, height: 900 }]) {
    const page = await house.signedIn('/overview', { viewport });
    const picture = page.locator('.flow');
    await picture.getByRole('list', { name: 'Sources' }).getByText('sends to Profiles, A second store').waitFor();
    await picture.getByText('sends to no destination').waitFor();
    await eventually('a line to what is not reached', async () => await picture.locator('path.bad').count() === 1);
    assert.equal(await picture.locator('path').count(), 2);
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= screen, `${content} on ${screen}`);
    // Each line begins and ends in the middle of its box.
    const ends = await picture.evaluate((element) => {
      const lines = element.querySelector('svg').getBoundingClientRect();
      const boxes = [...element.querySelectorAll('li')].map((one) => one.getBoundingClientRect());
      return boxes.map((box) => Math.round(box.top + box.height / 2 - lines.top));
    });
    assert.deepEqual([...new Set(ends)].toSorted((one, other) => one - other), [28, 92]);
    await picture.getByRole('link', { name: 'Web site' }).click();
    await page.getByRole('heading', { level: 1, name: 'Web site' }).waitFor();
  }
  await house.kenwell.api('DELETE', '/destinations/second?forget=100');
  await house.kenwell.api('DELETE', '/sources/nowhere');
});
