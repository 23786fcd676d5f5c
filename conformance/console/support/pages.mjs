// Every page of the console, and what is done on it before it is looked at.
import { WRITE_KEY } from './house.mjs';

/** By the name of its picture. `prepare` brings the page to what is worth looking at; `show` is the part that a picture must have. */
export const PAGES = [
  { name: 'overview', where: '/overview', prepare: (page) => page.locator('.chart polyline').first().waitFor({ state: 'attached' }) },
  { name: 'sources', where: '/sources' },
  { name: 'source', where: '/sources/web', prepare: (page) => page.getByRole('tab', { name: 'Node' }).click() },
  { name: 'destinations', where: '/destinations' },
  { name: 'destination', where: '/destinations/profiles', prepare: (page) => page.getByLabel('Address').waitFor() },
  { name: 'wizard', where: '/destinations/add/wizard', prepare: toFindings, show: '.wizard .notice + .actions' },
  { name: 'live', where: '/live', prepare: watchEvents },
  { name: 'profiles', where: '/profiles?destination=profiles&user=ada', prepare: (page) => page.getByRole('row', { name: /plan\.tier/ }).waitFor() },
  { name: 'dead-letters', where: '/dead-letters', prepare: openLetters },
  { name: 'audit', where: '/audit', prepare: doSomething },
];

/** The wizard's settings, with findings some of which are bad. */
async function toFindings(page, house) {
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Europe');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Database').fill('99');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.locator('.findings h3').waitFor();
}

async function watchEvents(page, house) {
  await page.getByText('Watching', { exact: true }).waitFor();
  await house.kenwell.send(WRITE_KEY, { type: 'track', userId: 'ada', event: 'Order Completed', properties: { total: 9.99 } });
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'grace', traits: { name: 'Grace Hopper', plan: { tier: 'pro' } } });
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'ada', traits: { name: 'Ada Lovelace', plan: { tier: 'pro' } } });
  const written = page.locator('.event').filter({ hasText: 'Written' });
  await written.nth(1).waitFor();
  await written.first().locator('summary').click();
  await written.first().locator('pre').first().waitFor();
}

async function openLetters(page) {
  await page.getByRole('button', { name: /^See/ }).first().click();
  await page.locator('.event summary').first().click();
  await page.locator('.event pre').first().waitFor();
}

/** Deeds of two kinds, one of them refused. */
async function doSomething(page, house) {
  await house.kenwell.api('PATCH', '/destinations/europe', { prefix: 'eu' });
  await house.kenwell.api('PATCH', '/destinations/europe', { address: 'no port' }).catch(() => {});
  await page.getByRole('row', { name: /Refused$/ }).first().waitFor();
}

/** No run lasts an hour, so the hour of the chart is made up: a day's rise, a lull, a burst. */
export async function makeHistory(page) {
  const samples = Array.from({ length: 360 }, (_, place) => {
    const rate = 42 + 18 * Math.sin(place / 57) + 7 * Math.sin(place / 9) + (place > 250 && place < 262 ? 30 : 0);
    const accepted = Math.round(rate * 10);
    const ignored = Math.round(accepted * 0.12);
    return {
      at: new Date(Date.now() - (359 - place) * 10_000).toISOString(), accepted, written: accepted - ignored, ignored,
      dead_lettered: place === 180 ? 20 : 0, lost: 0, queued: 0,
    };
  });
  await page.route('**/api/v1/history*', (route) => route.fulfill({ json: { step_seconds: 10, samples } }));
}

/** Until the page asks for nothing and moves no more. */
export async function settle(page) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
}
