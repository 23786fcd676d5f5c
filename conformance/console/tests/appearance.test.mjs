// Every page: accessible in light and dark, no sideways scrolling on a phone, and a watch that sees what it should.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { DESKTOP, PHONE } from '../support/browser.mjs';
import { eventually } from '../support/children.mjs';
import { furnish, furnished } from '../support/furniture.mjs';
import { go, House } from '../support/house.mjs';
import { makeHistory, PAGES, settle } from '../support/pages.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Those with a picture in the documentation, and the others. */
const ALL = [...PAGES, { name: 'api', where: '/api', prepare: (page) => page.locator('.calls').first().waitFor() }];

const house = new House();
before(async () => {
  await house.start(furnished);
  await furnish(house);
});
afterEach(() => house.leave());
after(() => house.stop());

/** The serious findings of axe-core, each with the elements. */
async function findings(page) {
  await page.evaluate(`${axe}; 0`);
  // Of what passes it names one element each: to name all takes most of its time.
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.ok(result.passes.length > 10, 'axe-core looked at the page');
  return result.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

for (const colorScheme of ['light', 'dark']) {
  test(`no serious finding of axe-core on any page, ${colorScheme}`, async () => {
    const entrance = await house.page({ colorScheme });
    await entrance.goto('/');
    assert.deepEqual(await findings(entrance), [], 'sign-in');
    const page = await house.signedIn('/sources', { colorScheme });
    await makeHistory(page);
    for (const { name, where, prepare } of ALL) {
      await go(page, where);
      await prepare?.(page, house);
      await settle(page);
      assert.deepEqual(await findings(page), [], name);
    }
  });
}

test('nothing scrolls sideways on a phone', async () => {
  const page = await house.signedIn('/sources', { viewport: PHONE });
  await makeHistory(page);
  for (const { name, where, prepare } of ALL) {
    await go(page, where);
    await prepare?.(page, house);
    await settle(page);
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= screen && screen === PHONE.width, `${name} is ${content} wide on a screen of ${screen}`);
  }
});

test('long names without a space leave no page wider than its screen', async () => {
  const name = 'Wide'.padEnd(80, 'w');
  await house.kenwell.api('POST', '/sources', { name, id: 'wide', destinations: ['profiles'] });
  await house.kenwell.api('POST', '/destinations', { name, id: 'wide', address: house.redis.address, prefix: 'wide', sources: ['wide'] });
  await house.redis.command('HSET', `wide:user:${name}`, name, name);
  for (const viewport of [PHONE, DESKTOP]) {
    const page = await house.signedIn('/overview', { viewport });
    for (const where of ['/overview', '/sources', '/sources/wide', '/destinations', '/destinations/wide', `/profiles?destination=wide&user=${name}`]) {
      await go(page, where);
      await page.getByText(name).first().waitFor({ state: 'attached' });
      await settle(page);
      const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(content <= screen, `${where} is ${content} wide on a screen of ${screen}`);
    }
  }
  for (const what of ['/sources/wide', '/destinations/wide']) await house.kenwell.api('DELETE', what);
});

test('on a phone the navigation opens and closes', async () => {
  const page = await house.signedIn('/overview', { viewport: PHONE });
  const link = page.getByRole('link', { name: /^Destinations/ });
  assert.equal(await link.isVisible(), false);
  await page.getByRole('button', { name: 'Menu' }).click();
  await link.click();
  await page.getByRole('heading', { level: 1, name: 'Destinations' }).waitFor();
  await eventually('a closed navigation', async () => !await link.isVisible());
});

test('the theme is chosen, kept, and follows the system again', async () => {
  const page = await house.signedIn('/overview', { colorScheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: 'Theme: system' }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  assert.equal(await ground(), light);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  assert.equal(await ground(), dark);
});

test('times are in the reader\'s zone, with the exact value at hand', async () => {
  const page = await house.signedIn();
  const time = page.locator('.as-of time');
  await eventually('a time', async () => await time.getAttribute('title'));
  const [exact, text] = await time.evaluate((element) => [element.title, element.textContent]);
  assert.match(exact, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const hours = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: 'Europe/Berlin' });
  assert.equal(text, hours.format(new Date(exact)));
});

test('nothing moves while the overview updates', async () => {
  const page = await house.signedIn('/sources');
  await makeHistory(page);
  await go(page, '/overview');
  for (const last of ['.chart polyline', '.flow path']) await page.locator(last).first().waitFor({ state: 'attached' });
  await settle(page);
  const places = () => page.locator('.card, .tile').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  const before = await places();
  const asOf = await page.locator('.as-of time').getAttribute('title');
  await eventually('the next update', async () => await page.locator('.as-of time').getAttribute('title') !== asOf);
  assert.deepEqual(await places(), before);
});

test('the watch sees what it should: a style of its own, an error, another host', async () => {
  const page = await house.signedIn();
  await page.evaluate(() => {
    document.body.setAttribute('style', 'color: red');
    console.error('told on');
    setTimeout(() => { throw new Error('uncaught on purpose'); });
    fetch('http://127.0.0.2:9/').catch(() => {});
  });
  await eventually('all of it', () => ['CSP violation: style-src', 'told on', 'uncaught on purpose', 'connect-src']
    .every((word) => page.watch.problems.some((line) => line.includes(word))));
  page.watch.allow(/./);
});
