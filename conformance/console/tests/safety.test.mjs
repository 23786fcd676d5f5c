// Whatever people send is text: names, ids, traits, and what Redis says.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { go, House, WRITE_KEY } from '../support/house.mjs';

const EVIL = '<img src=x onerror="window.harmed=1"><script>window.harmed=2</script>';

const house = new House();
before(async () => {
  await house.start((address) => `[[sources]]
id = "web"
name = '''${EVIL}'''
write_key = "${WRITE_KEY}"
destinations = ["profiles"]

[[destinations]]
id = "profiles"
name = '''${EVIL}'''
address = "${address}"
`);
});
afterEach(() => house.leave());
after(() => house.stop());

/** Nothing of it became an element, and none of its script ran. */
async function assertHarmless(page, where) {
  const found = await page.evaluate(() => ({
    harmed: window.harmed ?? null,
    images: document.querySelectorAll('img[src="x"]').length,
    scripts: document.querySelectorAll('body script').length,
  }));
  assert.deepEqual(found, { harmed: null, images: 0, scripts: 0 }, where);
}

/** A link that somebody may follow; nothing is loaded from there. */
const DOCUMENTATION = '<a class="button quiet" href="https://github.com/kenwell/kenwell/tree/main/docs" target="_blank" rel="noreferrer">';

/** The text stands on the page as it was sent. */
const shown = (page) => eventually('the text itself', async () => (await page.locator('body').innerText()).includes(EVIL));

test('no file of the console makes markup or code of text, or names another host', () => {
  const place = new URL('../../../crates/kenwell-server/console/', import.meta.url);
  const files = readdirSync(place);
  assert.ok(files.length > 30);
  for (const name of files) {
    const text = readFileSync(new URL(name, place), 'utf8').replaceAll('http://www.w3.org/2000/svg', '').replaceAll(DOCUMENTATION, '');
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|\beval\(|new Function|javascript:/, name);
    assert.doesNotMatch(text, /https?:\/\//, name);
    if (name.endsWith('.html')) assert.doesNotMatch(text, /\sstyle=|\son[a-z]+=/, name);
    // The sign-in page's own script is allowed by its hash.
    assert.equal(text.split('<script>').length - 1, name === 'sign-in.html' ? 1 : 0, name);
  }
});

test('names of sources and destinations', async () => {
  const page = await house.signedIn();
  for (const where of ['/overview', '/sources', '/sources/web', '/destinations', '/destinations/profiles', '/live', '/profiles']) {
    await go(page, where);
    if (where === '/live' || where === '/profiles') await page.locator('option').first().waitFor({ state: 'attached' });
    else await shown(page);
    await assertHarmless(page, where);
  }
});

test('traits and user ids in Live events', async () => {
  const page = await house.signedIn('/live');
  await page.getByText('Watching', { exact: true }).waitFor();
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: EVIL, traits: { [EVIL]: EVIL } });
  await page.getByRole('button', { name: 'Show personal values' }).click();
  const line = page.locator('.event').filter({ hasText: 'Written' });
  await line.locator('summary').click();
  await line.getByText('HSET').waitFor();
  await shown(page);
  await assertHarmless(page, 'live');
});

test('traits and user ids in Profiles', async () => {
  await house.redis.command('HSET', `user:${EVIL}`, EVIL, EVIL);
  await house.redis.command('SET', `data:${EVIL}`, EVIL);
  const page = await house.signedIn('/profiles');
  await page.getByLabel('User id').fill(EVIL);
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByText(`user:${EVIL}`).first().waitFor();
  await assertHarmless(page, 'profiles');
  await page.getByRole('tab', { name: 'Nested JSON' }).click();
  await assertHarmless(page, 'profiles, nested');
});

test('what Redis says, in dead letters', async () => {
  await house.redis.command('SET', 'user:evil', 'no hash');
  await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: 'evil', traits: { [EVIL]: EVIL } });
  await eventually('a dead letter', async () => (await house.kenwell.api('GET', '/dead-letters')).total === 1);
  const page = await house.signedIn('/dead-letters');
  await page.getByRole('button', { name: /^See/ }).click();
  await page.locator('.event summary').click();
  await page.getByRole('button', { name: 'Show personal values' }).click();
  await shown(page);
  await assertHarmless(page, 'dead letters');
});

test('an error of Redis, in Test connection and in the state', async () => {
  const user = '<b>evil</b>';
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('User', { exact: true }).fill(user);
  await page.getByLabel('Password', { exact: true }).fill('x');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.locator('.check-line.bad').getByText(user).waitFor();
  assert.equal(await page.locator('.findings b').count(), 0);
});

test('an address that names a user carries no markup either', async () => {
  const page = await house.signedIn(`/profiles?destination=profiles&user=${encodeURIComponent(`another${EVIL}`)}`);
  page.watch.allow(/^refusal: 404 GET/);
  await page.getByRole('heading', { name: 'No such profile' }).waitFor();
  assert.equal(await page.getByLabel('User id').inputValue(), `another${EVIL}`);
  await assertHarmless(page, 'address');
});
