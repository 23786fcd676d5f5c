// The chart: its ranges, what it leaves out, and what it keeps over restarts and damage.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const file = () => join(house.directory, 'kenwell', 'data', 'history.json');

async function accepted(range) {
  const { samples } = await house.kenwell.api('GET', `/history?range=${range}`);
  return samples.reduce((total, sample) => total + sample.accepted, 0);
}

test('the chart looks back an hour, a day or a week, and a restart takes nothing from it', async () => {
  for (const userId of ['a', 'b', 'c']) await house.kenwell.send(WRITE_KEY, { type: 'identify', userId, traits: { n: 1 } });
  for (const range of ['hour', 'day', 'week']) assert.equal(await accepted(range), 3, range);
  await house.kenwell.stop();
  assert.ok(statSync(file()).size < 4_096);
  await house.kenwell.run();
  for (const range of ['hour', 'day', 'week']) assert.equal(await accepted(range), 3, range);
  const page = await house.signedIn();
  await page.getByRole('button', { name: 'Week', exact: true }).click();
  await page.getByRole('img', { name: /^In the last week: 3 accepted/ }).waitFor();
  assert.equal(await page.evaluate(() => location.hash), '#/overview?range=week');
  assert.equal(await page.getByRole('button', { name: 'Week', exact: true }).getAttribute('aria-pressed'), 'true');
  await page.goBack();
  await page.getByRole('img', { name: /^In the last hour: 3 accepted/ }).waitFor();
  await assert.rejects(house.kenwell.api('GET', '/history?range=year'), /400/);
});

test('a damaged file is told in the log, and the history begins anew', async () => {
  await house.kenwell.stop();
  const text = readFileSync(file(), 'utf8');
  writeFileSync(file(), text.replace(/3/, '4'));
  await house.kenwell.run();
  assert.equal(await accepted('week'), 0);
  assert.match(readFileSync(house.kenwell.log, 'utf8'), /WARN.*begins anew/);
  await house.kenwell.stop();
  await house.kenwell.run();
  assert.equal(readFileSync(house.kenwell.log, 'utf8').match(/begins anew/g).length, 1);
});

test('a history that cannot be had is told, and no more when it can', async () => {
  const page = await house.signedIn('/sources');
  page.watch.allow(/^refusal: 500 GET \/api\/v1\/history/);
  await page.route('**/api/v1/history*', (route) => route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'the history is out of reach' } } }), { times: 1 });
  await page.getByRole('link', { name: 'Overview' }).click();
  const told = page.getByText('the history is out of reach');
  await told.waitFor();
  await page.getByRole('button', { name: 'Day', exact: true }).click();
  await told.waitFor({ state: 'detached' });
});

test('the step that is not over is not drawn, and neither is a line over the time in which nothing ran', async () => {
  const page = await house.page();
  const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const sample = (minutes, number) => ({ at: at(minutes), accepted: number, written: number, ignored: 0, dead_lettered: 0, lost: 0, queued: 0 });
  const samples = [sample(600, 10), sample(595, 20), sample(20, 30), sample(15, 40), sample(10, 50), sample(5, 0)];
  await page.route('**/api/v1/history*', (route) => route.fulfill({ json: { step_seconds: 300, samples } }));
  await page.goto('/#/overview?range=day');
  await page.getByLabel('Admin key').fill(house.kenwell.adminKey);
  await page.keyboard.press('Enter');
  const drawn = page.locator('.chart polyline.accepted');
  await eventually('both pieces', async () => await drawn.count() === 2);
  const points = await drawn.evaluateAll((all) => all.map((one) => one.getAttribute('points').split(' ').length));
  assert.deepEqual(points.toSorted(), [2, 3]);
  await page.getByRole('img', { name: /^In the last day: 150 accepted/ }).waitFor();
});
