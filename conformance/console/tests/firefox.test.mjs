// The wizard and Live events in Firefox, which keeps histories, streams and the "#" of an address in its own way.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { eventually } from '../support/children.mjs';
import { oneOfEach, WRITE_KEY } from '../support/house.mjs';
import { Kenwell } from '../support/kenwell.mjs';
import { Redis } from '../support/redis.mjs';

const directory = mkdtempSync(join(tmpdir(), 'kenwell-firefox-'));
const redis = new Redis(join(directory, 'redis'));
const kenwell = new Kenwell(join(directory, 'kenwell'));
let browser;

before(async () => {
  await redis.start();
  await kenwell.start(oneOfEach(redis.address));
  browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.FIREFOX_BIN, headless: true, timeout: 120_000, protocolTimeout: 240_000 });
});
after(async () => {
  await browser?.close();
  await kenwell.stop();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A page that shows `where` after signing in; `problems` are its errors. */
async function signedIn(where) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
  await page.goto(`${kenwell.privateUrl}/#${where}`);
  await page.locator('#key').fill(kenwell.adminKey);
  await page.locator('button[type=submit]').click();
  await page.locator('.page h1').wait();
  return page;
}

const hash = (page) => page.evaluate(() => location.hash);
const press = (page, text) => page.locator(`.wizard ::-p-aria(${text}[role="button"])`).click();
const seen = (page, text) => page.locator(`::-p-text(${text})`).wait();

test('an address survives signing in, the wizard\'s steps are steps of the browser, and the Redis is connected', async () => {
  const page = await signedIn('/destinations/add/wizard');
  await press(page, 'Next');
  await press(page, 'Next');
  await page.locator('input[name=name]').fill('Europe');
  await press(page, 'Next');
  await page.locator('input[name=address]').fill(redis.address);
  await page.locator('input[name=prefix]').fill('fox');
  assert.equal(await hash(page), '#/destinations/add/wizard?step=settings&source=web&name=Europe');
  await page.evaluate(() => history.back());
  await seen(page, 'Give it a name');
  await page.evaluate(() => history.forward());
  await seen(page, 'Connection settings');
  assert.equal(await page.$eval('input[name=prefix]', (field) => field.value), 'fox');
  await press(page, 'Save destination');
  await seen(page, 'Europe is connected');
  await kenwell.send(WRITE_KEY, { type: 'identify', userId: 'ada', traits: { a: 1 } });
  await eventually('the hash', async () => (await redis.hash('fox:user:ada')).a === '1');
  assert.deepEqual(page.problems, []);
});

test('an unsaved edit asks before it is left', async () => {
  const page = await signedIn('/sources/web');
  await page.locator('input[name=name]').fill('Typed');
  await page.evaluate(() => { location.hash = '#/overview'; });
  await seen(page, 'Leave without saving?');
  await page.locator('dialog ::-p-text(Cancel)').click();
  await eventually('the address of before', async () => await hash(page) === '#/sources/web');
  assert.equal(await page.$eval('input[name=name]', (field) => field.value), 'Typed');
  assert.deepEqual(page.problems, []);
});

test('live events come in one row each, and an open one stays open', async () => {
  const page = await signedIn('/live?user=fox');
  await page.locator('::-p-text(Watching)').wait();
  const send = (messageId) => kenwell.send(WRITE_KEY, { type: 'identify', userId: 'fox', messageId, traits: { a: 1 } });
  await send('m-1');
  await page.locator('.event summary').click();
  await seen(page, 'Redis command');
  for (const messageId of ['m-2', 'm-3']) await send(messageId);
  await eventually('three rows', async () => (await page.$$('.event')).length === 3);
  assert.equal((await page.$$('.event details[open]')).length, 1);
  assert.equal(await page.$eval('.event:last-child details', (details) => details.open), true);
  assert.deepEqual(page.problems, []);
});
