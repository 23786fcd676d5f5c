// The link that signs in once, and the page that waits for the first event and becomes the user's profile.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openPage, PHONE } from '../support/browser.mjs';
import { eventually, start, stop } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const run = promisify(execFile);
const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const send = (type, userId, more = {}) => house.kenwell.send(WRITE_KEY, { type, userId, ...more });

/** The page, once its stream is open. */
async function waiting(options) {
  const page = await house.signedIn('/first-event', options);
  await page.getByText('Watching', { exact: true }).waitFor();
  return page;
}

test('the curl snippet as it stands turns the page into the user\'s hash', async () => {
  const page = await waiting();
  await page.getByRole('heading', { level: 1, name: 'Waiting for your first event' }).waitFor();
  const snippet = await page.getByRole('region', { name: 'curl code' }).innerText();
  assert.ok(snippet.includes(house.kenwell.url) && snippet.includes(WRITE_KEY), snippet);
  await run('sh', ['-c', snippet]);
  await page.getByRole('heading', { level: 1, name: 'u1 is in Redis' }).waitFor();
  await page.getByRole('row', { name: /plan\.tier pro/ }).waitFor();
  await page.getByText('user:u1', { exact: true }).waitFor();
  assert.equal(await page.title(), 'u1 is in Redis · Kenwell');
  await page.getByRole('link', { name: 'Look users up' }).click();
  await page.getByRole('row', { name: /plan\.tier/ }).waitFor();
});

test('each language has the right address and key', async () => {
  const page = await waiting();
  for (const name of ['Node', 'JavaScript (browser)', 'Python']) {
    await page.getByRole('tab', { name, exact: true }).click();
    const code = await page.getByRole('region', { name: `${name} code` }).innerText();
    assert.ok(code.includes(house.kenwell.url) && code.includes(WRITE_KEY), code);
  }
});

test('what becomes no profile is told, and the wait goes on', async () => {
  const page = await waiting();
  await page.getByRole('heading', { level: 1, name: 'Waiting for the next event' }).waitFor();
  await send('track', 'ada', { event: 'Bought' });
  await page.getByText(/track of ada arrived, and there is nothing in it to write/).waitFor();
  await send('identify', 'ada', { traits: { name: '<b>Ada</b>' } });
  await page.getByRole('heading', { level: 1, name: 'ada is in Redis' }).waitFor();
  await page.getByRole('row', { name: /<b>Ada<\/b>/ }).waitFor();
});

test('what Redis refuses is told with the way to it', async () => {
  const page = await waiting();
  await house.redis.command('SET', 'user:grace', 'x');
  await send('identify', 'grace', { traits: { name: 'Grace' } });
  await page.getByText(/identify of grace was refused by Redis/).waitFor();
  await page.getByRole('link', { name: 'See the dead letters' }).click();
  await page.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor();
});

test('on a phone nothing scrolls sideways', async () => {
  const page = await waiting({ viewport: PHONE });
  await send('identify', 'a-user-with-a-very-long-id-that-does-not-fit-in-one-line-of-a-phone', { traits: { a: 'x'.repeat(300) } });
  await page.getByRole('row', { name: /xxx/ }).waitFor();
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= screen, `${content} wide on a screen of ${screen}`);
});

test('the link that kenwell dev prints opens the page, once', async () => {
  const log = join(house.directory, 'dev.log');
  const dev = start(process.env.KENWELL_BIN, [
    'dev', '--data-dir', join(house.directory, 'dev'), '--gateway-listen', '127.0.0.1:0', '--private-listen', '127.0.0.1:0',
  ], log, { ...process.env, NO_COLOR: '1' });
  const pages = [];
  try {
    const link = await eventually('the link', () => /^Open +(\S+)$/m.exec(readFileSync(log, 'utf8'))?.[1], 60);
    const { origin } = new URL(link);
    const open = async () => {
      const page = await openPage(house.browser, origin);
      pages.push(page);
      page.watch.allow(/^refusal: 401 GET \/sign-in$/);
      await page.goto(link);
      return page;
    };
    const first = await open();
    await first.getByRole('heading', { level: 1, name: 'Waiting for your first event' }).waitFor();
    await first.getByText('Watching', { exact: true }).waitFor();
    assert.equal(first.url().includes('token'), false);
    const [cookie] = await first.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
    const snippet = await first.getByRole('region', { name: 'curl code' }).innerText();
    await run('sh', ['-c', snippet]);
    await first.getByRole('heading', { level: 1, name: 'u1 is in Redis' }).waitFor();
    const second = await open();
    await second.getByText('This link was used already').waitFor();
    await second.getByLabel('Admin key').waitFor();
    for (const page of pages) page.watch.assertClean();
  } finally {
    for (const page of pages) await page.context().close();
    await stop(dev);
  }
});
