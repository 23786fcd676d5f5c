// "Test connection" says for each class of error what is wrong and how to put it right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually, freePort } from '../support/children.mjs';
import { House } from '../support/house.mjs';
import { certificates, Redis } from '../support/redis.mjs';

const house = new House();
const servers = {};

before(async () => {
  await house.start();
  const place = (name) => join(house.directory, name);
  const files = await certificates(place('certificates'), 'localhost');
  const other = await certificates(place('others'), 'localhost');
  servers.files = files;
  servers.otherCa = other.ca;
  servers.password = await new Redis(place('password'), { options: ['--requirepass', 'right'], client: ['-a', 'right'] }).start();
  servers.tls = await new Redis(place('tls'), {
    options: ['--tls-cert-file', files.certificate, '--tls-key-file', files.key, '--tls-ca-cert-file', files.ca, '--tls-auth-clients', 'no'],
    client: ['--tls', '--cacert', files.ca, '--sni', 'localhost', '-h', 'localhost'],
  }).start();
  await servers.password.command('ACL', 'SETUSER', 'weak', 'on', '>weak', '~*', '+ping', '+client', '+info');
});
afterEach(() => house.leave());
after(async () => {
  for (const server of [servers.password, servers.tls]) await server?.stop();
  await house.stop();
});

/** Opens the settings of a new destination. */
async function settings() {
  const page = await house.signedIn('/destinations/add/wizard');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Trial');
  await page.getByRole('button', { name: 'Next' }).click();
  return page;
}

/** Tests what stands in the form; the lines that failed. */
async function failures(page) {
  await page.getByRole('button', { name: 'Test connection' }).click();
  await page.locator('.findings h3').waitFor();
  return page.locator('.check-line.bad').allInnerTexts();
}

/** One failed line that names the check, what is wrong, and the cure. */
function assertOne(lines, check, says, cure) {
  const line = lines.find((text) => text.includes(check));
  assert.ok(line, `${check} failed; failed were ${JSON.stringify(lines)}`);
  assert.match(line, says);
  assert.match(line, /Cure:/);
  assert.match(line, cure);
}

describe('Test connection', () => {
  test('nothing listens', async () => {
    const page = await settings();
    const port = await freePort();
    await page.getByLabel('Address').fill(`127.0.0.1:${port}`);
    assertOne(await failures(page), 'Connect', new RegExp(`nothing listens on port ${port}`), /start Redis/);
    await page.getByRole('heading', { name: /^The connection does not work/ }).waitFor();
  });

  test('no password where one is wanted', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(servers.password.address);
    assertOne(await failures(page), 'Sign in', /wants a password/, /set password/);
  });

  test('a wrong password, which is shown nowhere', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(servers.password.address);
    await page.getByLabel('Password', { exact: true }).fill('wrong-hunter2');
    assertOne(await failures(page), 'Sign in', /refuses this password/, /correct password/);
    assert.equal((await page.locator('body').innerText()).includes('wrong-hunter2'), false);
  });

  test('a user without the rights', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(servers.password.address);
    await page.getByLabel('User', { exact: true }).fill('weak');
    await page.getByLabel('Password', { exact: true }).fill('weak');
    assertOne(await failures(page), 'Rights', /may not run HSET/, /ACL SETUSER weak/);
  });

  test('a certificate of another authority', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(`localhost:${servers.tls.port}`);
    await page.getByLabel('Connect with TLS').check();
    await page.getByLabel('CA certificate', { exact: true }).fill(readFileSync(servers.otherCa, 'utf8'));
    assertOne(await failures(page), 'Encryption', /certificate/, /ca_certificate/);
  });

  test('a certificate for another host; the uploaded authority is the right one', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(servers.tls.address);
    await page.getByLabel('Connect with TLS').check();
    await page.locator('input[type=file]').first().setInputFiles(servers.files.ca);
    const text = page.getByLabel('CA certificate', { exact: true });
    await eventually('the uploaded text', async () => /BEGIN CERTIFICATE/.test(await text.inputValue()));
    const name = page.getByLabel('Name in the certificate');
    await name.fill('elsewhere');
    assertOne(await failures(page), 'Encryption', /is for localhost, not for elsewhere/, /server_name/);
    // At an address of this machine any of its names will do.
    for (const right of ['localhost', '']) {
      await name.fill(right);
      assert.deepEqual(await failures(page), []);
    }
  });

  test('not checking the certificate works, with a warning before and after', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(servers.tls.address);
    await page.getByLabel('Connect with TLS').check();
    await page.getByLabel('Do not check the server\'s certificate').check();
    await page.getByText('Anybody on the way can read and change what is sent').waitFor();
    assert.deepEqual(await failures(page), []);
    const warnings = await page.locator('.check-line.warn').allInnerTexts();
    assert.ok(warnings.some((line) => line.includes('nobody checks the certificate')), JSON.stringify(warnings));
  });

  test('a cluster that is none', async () => {
    const page = await settings();
    await page.getByLabel('Kind').selectOption('cluster');
    await page.getByLabel('Address').fill(house.redis.address);
    assertOne(await failures(page), 'Kind', /this Redis is standalone/, /cluster_mode/);
  });

  test('a Sentinel that is none', async () => {
    const page = await settings();
    const master = page.getByLabel('Name of the master');
    assert.equal(await master.isVisible(), false);
    await page.getByLabel('Kind').selectOption('sentinel');
    await page.getByLabel('Address').fill(house.redis.address);
    await master.fill('mymaster');
    assertOne(await failures(page), 'Settings', /sentinel_master is set; give the addresses of the Sentinels/, /correct the setting/);
  });

  test('a database that does not exist', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(house.redis.address);
    await page.getByLabel('Database').fill('99');
    assertOne(await failures(page), 'Database', /no database 99/, /lower number/);
  });

  test('a number that is none is said at its field', async () => {
    const page = await settings();
    await page.getByLabel('Address').fill(house.redis.address);
    await page.getByLabel('Database').fill('one');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('"one" is no number for the field Database.').waitFor();
    assert.equal(await page.getByLabel('Database').getAttribute('aria-invalid'), 'true');
  });
});
