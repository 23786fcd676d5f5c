// Events that wait for a destination: a removal names them, and one that is not configured any more shows them.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from '../support/children.mjs';
import { House, WRITE_KEY } from '../support/house.mjs';

const house = new House();
before(() => house.start());
afterEach(() => house.leave());
after(() => house.stop());

const SECOND = '/destinations/second';

/** A second destination, paused, for which this many events wait. */
async function waiting(events) {
  await house.kenwell.api('POST', '/destinations', {
    name: 'Second', address: house.redis.address, prefix: 'second', sources: ['web'], paused: true,
  });
  for (let number = 0; number < events; number += 1) {
    await house.kenwell.send(WRITE_KEY, { type: 'identify', userId: `u${number}`, traits: { a: 1 } });
  }
}

test('a removal asks with the number of events that wait, and cancelled it keeps them', async () => {
  await waiting(2);
  const page = await house.signedIn(SECOND);
  page.watch.allow(/^refusal: 409 DELETE/);
  page.watch.allowGone(SECOND);
  const dialog = page.getByRole('dialog');
  const ask = async () => {
    await page.getByRole('button', { name: 'Remove destination' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('heading', { name: 'Give up 2 events?' }).waitFor();
    assert.match(await dialog.innerText(), /2 events that Kenwell has accepted wait for Second/);
  };
  await ask();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await house.kenwell.api('GET', SECOND)).status.queued, 2);
  await ask();
  await dialog.getByRole('button', { name: 'Give up 2 events' }).click();
  await page.getByRole('heading', { level: 1, name: 'Destinations' }).waitFor();
  await page.getByRole('rowheader', { name: 'Profiles' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Second' }).count(), 0);
});

/** Takes the second destination out of the file while the server does not run. */
async function retire() {
  await house.kenwell.stop();
  const text = house.kenwell.config;
  const without = text.slice(0, text.lastIndexOf('[[destinations]]')).replace(/, *"second"/, '');
  assert.doesNotMatch(without, /second/);
  house.kenwell.config = without;
  await house.kenwell.run();
}

test('a destination that is not configured any more is shown with what waits for it, and can be given up', async () => {
  await waiting(1);
  await retire();
  const page = await house.signedIn('/overview');
  await page.getByRole('alert').getByText(/second: It is not configured any more\. 1 event waits for it since .*, and is kept\./).waitFor();
  assert.equal(await page.getByRole('row', { name: /^second / }).getByRole('link').getAttribute('href'), '#/destinations');
  await page.goto('/#/destinations');
  const row = page.getByRole('row', { name: /second .* 1 event waits for it since/ });
  await row.waitFor();
  await row.getByRole('button', { name: 'Give up what waits for second' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('heading', { name: 'Give up 1 event?' }).waitFor();
  await dialog.getByRole('button', { name: 'Give up 1 event' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual((await house.kenwell.api('GET', '/destinations')).retired, []);
});

test('a destination that is not configured any more is put back: the change is shown, what waits is delivered, and it is undone', async () => {
  await waiting(2);
  await retire();
  const page = await house.signedIn('/destinations');
  page.watch.allowGone(SECOND);
  await page.getByRole('link', { name: 'Put second back' }).click();
  const next = page.getByRole('button', { name: 'Next' });
  await next.click();
  await next.click();
  assert.equal(await page.getByLabel('Id').inputValue(), 'second');
  await next.click();
  await page.getByText('2 events wait for second.').waitFor();
  await page.getByLabel('Address').fill(house.redis.address);
  await page.getByLabel('Key prefix').fill('back');
  await page.getByRole('button', { name: 'Show the change' }).click();
  const shown = page.getByRole('region', { name: 'What changes in kenwell.toml' });
  await shown.getByText('+ prefix = "back"').waitFor();
  assert.match(await shown.innerText(), /\+ destinations = \["profiles", "second"\]/);
  assert.doesNotMatch(house.kenwell.config, /second/);
  await page.getByRole('button', { name: 'Save destination' }).click();
  // It stays as long as somebody points at it.
  const undo = page.getByRole('button', { name: 'Undo' });
  await undo.hover();
  await page.getByRole('heading', { name: 'second is connected' }).waitFor();
  assert.match(house.kenwell.config, /id = "second"/);
  await eventually('what waited', async () => (await house.redis.hash('back:user:u1')).a === '1');
  await undo.click();
  await page.getByRole('heading', { level: 1, name: 'Destinations' }).waitFor();
  assert.doesNotMatch(house.kenwell.config, /second/);
  const { destinations, retired } = await house.kenwell.api('GET', '/destinations');
  assert.deepEqual([destinations.length, retired], [1, []]);
});
