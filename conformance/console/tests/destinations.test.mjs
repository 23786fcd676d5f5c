// Destinations: health, pause, settings, delivering again, removing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';
import { certificates } from '../support/redis.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const identify = (userId, traits) => house.kenwell.send(WRITE_KEY, { type: 'identify', userId, traits });

test('a paused destination keeps its events and delivers them when it goes on', async () => {
  const page = await house.signedIn('/destinations');
  await page.getByRole('button', { name: 'Pause Profiles' }).click();
  await page.getByRole('row', { name: /Profiles .*Paused/ }).waitFor();
  await identify('waits', { a: 1 });
  await page.getByRole('row', { name: /Profiles .*Paused.* 1 / }).waitFor();
  assert.deepEqual(await house.redis.hash('user:waits'), {});
  assert.match(house.kenwell.config, /paused = true/);
  await page.getByRole('button', { name: 'Resume Profiles' }).click();
  await page.getByRole('row', { name: /Profiles .*Up/ }).waitFor();
  await eventually('the hash', async () => (await house.redis.hash('user:waits')).a === '1');
});

test('a Redis that goes away is shown with the reason, and its return too', async () => {
  const page = await house.signedIn('/destinations');
  await house.redis.stop();
  await identify('outage', { a: 1 });
  // At first it may be told that the connection has ended.
  await page.getByRole('row', { name: /Profiles .*Waiting since.*(refused|nothing listens)/i }).waitFor();
  await house.redis.start();
  await page.getByRole('row', { name: /Profiles .*Up/ }).waitFor();
  await eventually('the hash', async () => (await house.redis.hash('user:outage')).a === '1');
});

test('settings are changed in the file, with its comments kept, and at once in force', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Key prefix').fill('moved');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved, and in force.').waitFor();
  assert.match(house.kenwell.config, /prefix = "moved"/);
  assert.match(house.kenwell.config, /# Written by hand/);
  await identify('ada', { a: 1 });
  await eventually('the hash under the new prefix', async () => (await house.redis.hash('moved:user:ada')).a === '1');
  await page.getByLabel('Key prefix').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await eventually('no prefix in the file', () => !/moved/.test(house.kenwell.config));
});

test('how long profiles stay is set in a part of its own, and the profile tells it', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByRole('heading', { level: 3, name: 'Profiles' }).waitFor();
  page.watch.allow(/^refusal: 422 PATCH/);
  await page.getByLabel('Counted from').selectOption('first');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('it has no effect without ttl').waitFor();
  await page.getByLabel('Expires after').fill('30d');
  await page.getByLabel('Fields that expire').fill('cart.* = 30m\nseen = 7d');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved, and in force.').waitFor();
  assert.match(house.kenwell.config, /ttl = "30d"/);
  assert.match(house.kenwell.config, /ttl_from = "first"/);
  assert.match(house.kenwell.config, /field_ttl = \{ "cart\.\*" = "30m", seen = "7d" \}/);
  await identify('mayfly', { a: 1 });
  await eventually('the hash', async () => (await house.redis.hash('user:mayfly')).a === '1');
  const profile = await house.signedIn('/profiles?destination=profiles&user=mayfly');
  await profile.getByText('in 30 d').waitFor();
  await page.getByLabel('Expires after').fill('');
  await page.getByLabel('Counted from').selectOption('last_identify');
  await page.getByLabel('Fields that expire').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await eventually('no ttl in the file', () => !/^(field_)?ttl =/m.test(house.kenwell.config));
});

test('TLS is switched off with all that belongs to it', async () => {
  const { ca } = await certificates(join(house.directory, 'certificates'), 'localhost');
  await house.kenwell.api('POST', '/destinations', {
    name: 'Encrypted', address: house.redis.address, prefix: 'tls', secure: true, ca_certificate: readFileSync(ca, 'utf8'), server_name: 'localhost',
  });
  const page = await house.signedIn('/destinations/encrypted');
  assert.match(await page.getByLabel('CA certificate', { exact: true }).inputValue(), /BEGIN CERTIFICATE/);
  await page.getByLabel('Connect with TLS').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved, and in force.').waitFor();
  assert.doesNotMatch(house.kenwell.config, /BEGIN CERTIFICATE|server_name|secure = true/);
  await page.getByText('Up', { exact: true }).waitFor();
  page.watch.allowGone('/destinations/encrypted');
  await house.kenwell.api('DELETE', '/destinations/encrypted');
});

test('a password is kept, changed and removed, and never shown', async () => {
  const page = await house.signedIn('/destinations/profiles');
  await page.getByLabel('Password', { exact: true }).fill('s3cret-of-the-test');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('One is set and stays unless you type another.').waitFor();
  assert.match(house.kenwell.config, /password = "s3cret-of-the-test"/);
  assert.equal((await page.content()).includes('s3cret-of-the-test'), false);
  assert.equal(JSON.stringify(await house.kenwell.api('GET', '/destinations')).includes('s3cret-of-the-test'), false);
  await page.getByLabel('Remove: password').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await eventually('no password in the file', () => !/s3cret/.test(house.kenwell.config));
});

test('for another address the password is asked for again, and is not sent there before', async () => {
  const [old, elsewhere] = [house.redis.address, `localhost:${house.redis.port}`];
  await house.kenwell.api('PATCH', '/destinations/profiles', { password: 's3cret-of-the-test' });
  const page = await house.signedIn('/destinations/profiles');
  page.watch.allow(/^refusal: 422 (PATCH|POST)/);
  const password = page.getByLabel('Password', { exact: true });
  await page.getByLabel('Address').fill(elsewhere);
  for (const button of ['Test connection', 'Save']) {
    await page.getByRole('button', { name: button }).click();
    await page.getByText(/address would change.*type the password again/i).waitFor();
    assert.equal(await password.getAttribute('aria-invalid'), 'true');
    assert.ok(house.kenwell.config.includes(old) && !house.kenwell.config.includes(elsewhere));
    await password.fill('x');
    await password.fill('');
  }
  await page.getByLabel('Address').fill(old);
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.locator('.findings h3').waitFor();
  await page.getByLabel('Address').fill(elsewhere);
  await password.fill('s3cret-of-the-test');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved, and in force.').waitFor();
  assert.ok(house.kenwell.config.includes(elsewhere));
  await house.kenwell.api('PATCH', '/destinations/profiles', { address: old, password: null });
});

test('what will be said is said in a place that is there before, so that it is read out', async () => {
  const page = await house.signedIn('/destinations/profiles');
  const form = page.getByRole('form', { name: 'Settings of the destination' });
  await form.waitFor();
  // What was found, what a change makes of the file, and what is wrong.
  assert.equal(await form.getByRole('status').count(), 3);
});

test('a file of the server is not read because the form names it', async () => {
  const page = await house.signedIn('/destinations/profiles');
  page.watch.allow(/^refusal: 422 POST/);
  await page.getByLabel('Password', { exact: true }).fill('file:/etc/hostname');
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.getByText(/not allowed here or cannot be used/).waitFor();
  assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true');
});

test('a change that was made meanwhile is not overwritten, and what was typed is not lost', async () => {
  const page = await house.signedIn('/destinations/profiles');
  page.watch.allow(/^refusal: 409 PATCH/);
  await page.getByLabel('Name', { exact: true }).fill('From the page');
  house.kenwell.config = house.kenwell.config.replace('name = "Profiles"', 'name = "By hand"');
  await eventually('the edit to be read', async () => (await house.kenwell.api('GET', '/destinations')).destinations[0].name === 'By hand');
  const notice = page.getByText('This has been changed meanwhile');
  await notice.waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'From the page');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('form .box.bad').getByText(/changed/).waitFor();
  assert.match(house.kenwell.config, /name = "By hand"/);
  await page.getByRole('button', { name: 'Load again' }).click();
  await notice.waitFor({ state: 'detached' });
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'By hand');
  house.kenwell.config = house.kenwell.config.replace('name = "By hand"', 'name = "Profiles"');
  await eventually('the name of before', async () => (await house.kenwell.api('GET', '/destinations')).destinations[0].name === 'Profiles');
});

test('a certificate is taken from a file, after one that was none', async () => {
  const page = await house.signedIn('/destinations/profiles');
  const field = page.locator('textarea[name="ca_certificate"]');
  const chooser = page.locator('.field').filter({ has: field }).locator('input[type="file"]');
  const file = (text) => ({ name: 'ca.pem', mimeType: 'text/plain', buffer: Buffer.from(text) });
  await chooser.setInputFiles(file('x'.repeat(300_000)));
  await eventually('the mark', async () => await field.getAttribute('aria-invalid') === 'true');
  await chooser.setInputFiles(file('the certificate'));
  await eventually('the text', async () => await field.inputValue() === 'the certificate');
  assert.equal(await field.getAttribute('aria-invalid'), null);
});

test('events are delivered again from a time', async () => {
  await identify('again', { a: 1 });
  await eventually('the hash', async () => (await house.redis.hash('user:again')).a === '1');
  await house.redis.command('DEL', 'user:again');
  const page = await house.signedIn('/destinations/profiles');
  await page.getByRole('button', { name: 'Deliver again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Deliver again' }).click();
  await page.getByText(/will be delivered again/).waitFor();
  await eventually('the hash once more', async () => (await house.redis.hash('user:again')).a === '1');
});

test('a destination is removed after a question', async () => {
  await house.kenwell.api('POST', '/destinations', { name: 'Second', address: house.redis.address, prefix: 'second' });
  const page = await house.signedIn('/destinations/second');
  await page.getByRole('heading', { level: 1, name: 'Second' }).waitFor();
  await house.kenwell.api('PATCH', '/destinations/second', { name: 'Renamed' });
  await page.getByRole('heading', { level: 1, name: 'Renamed' }).waitFor();
  await page.getByRole('button', { name: 'Remove destination' }).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Remove Renamed?' }).waitFor();
  page.watch.allowGone('/destinations/second');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { level: 1, name: 'Destinations' }).waitFor();
  await page.getByRole('rowheader', { name: 'Profiles' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Renamed' }).count(), 0);
});
