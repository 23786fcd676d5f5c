// A whole installation for a test: Redis, Kenwell, and a browser that is signed in.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBrowser, openPage } from './browser.mjs';
import { Kenwell } from './kenwell.mjs';
import { Redis } from './redis.mjs';

export const WRITE_KEY = 'console-test-write-key';

/** Redis, Kenwell and Chromium in a temporary directory. */
export class House {
  #pages = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'kenwell-console-'));
    this.redis = new Redis(join(this.directory, 'redis'));
    this.kenwell = new Kenwell(join(this.directory, 'kenwell'));
  }

  /** `configuration(redisAddress)` gives the sources and destinations to begin with. */
  async start(configuration = oneOfEach) {
    if (!this.redis.isUp) await this.redis.start();
    await this.kenwell.start(configuration(this.redis.address));
    this.browser = await openBrowser();
    return this;
  }

  /** A page that is not signed in. */
  async page(options) {
    const page = await openPage(this.browser, this.kenwell.privateUrl, options);
    this.#pages.push(page);
    return page;
  }

  /** A page that shows `where`, such as `/sources`, after signing in. */
  async signedIn(where = '/overview', options = {}) {
    return this.signIn(await this.page(options), where);
  }

  /** Signs a page of `page()` in, which shows `where` then. */
  async signIn(page, where = '/overview') {
    await page.goto(`/#${where}`);
    await page.getByLabel('Admin key').fill(this.kenwell.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.page h1').waitFor();
    return page;
  }

  /** Ends what a test has opened, after making sure that its pages behaved. */
  async leave() {
    const pages = this.#pages.splice(0);
    try {
      for (const page of pages) page.watch.assertClean();
    } finally {
      for (const page of pages) await close(page);
    }
  }

  async stop() {
    await this.browser?.close();
    await this.kenwell.stop();
    await this.redis.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Closes a page with its context. What a test does to requests that are under way is given up: it would fail without a page. */
async function close(page) {
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.context().close();
}

/** Shows another page of the console; what is not saved is given up. */
export async function go(page, where) {
  const shown = await page.locator('.page h1').elementHandle();
  if (await page.evaluate((hash) => location.hash === hash, `#${where}`)) return;
  await page.evaluate((hash) => { location.hash = hash; }, `#${where}`);
  const leave = page.getByRole('dialog').getByRole('button', { name: 'Leave' });
  await page.waitForFunction((before) => !before.isConnected || document.querySelector('dialog[open]'), shown);
  if (await leave.count() > 0) await leave.click();
  await page.waitForFunction((before) => !before.isConnected && document.querySelector('.page h1'), shown);
}

/** One source that sends to one Redis. */
export function oneOfEach(address) {
  return `[[sources]]
id = "web"
name = "Web site" # the shop
write_key = "${WRITE_KEY}"
destinations = ["profiles"]

[[destinations]]
id = "profiles"
name = "Profiles"
type = "redis"
address = "${address}"
`;
}

/** Nothing to begin with, as after an installation. */
export const nothing = () => '';
