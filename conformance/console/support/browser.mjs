// Chromium, and a record of everything a page did that it should not.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
const PATIENCE_MS = 60_000;
const START_MS = 120_000;

/** What Chromium writes about requests to a server that is being stopped, or is not there. */
export const AWAY = /ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/;

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

/** A headless Chromium with an empty profile. */
export function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM_BIN, headless: true, args: ARGUMENTS, timeout: START_MS });
}

/** A page in a context of its own; its `watch` must be clean at the end. */
export async function openPage(browser, url, { colorScheme = 'light', viewport = DESKTOP, ...options } = {}) {
  const context = await browser.newContext({
    baseURL: url, colorScheme, viewport, isMobile: viewport.width < 600, hasTouch: viewport.width < 600,
    locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  page.watch = new Watch(page, url);
  if (process.env.CONSOLE_FILES) await serveFiles(page, process.env.CONSOLE_FILES);
  return page;
}

/** Gives the page the console's files of a directory instead of the binary's, so that no build stands between an edit and its test. */
async function serveFiles(page, directory) {
  await page.route(({ pathname }) => pathname === '/' || pathname.startsWith('/console/'), async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    const { pathname } = new URL(route.request().url());
    const start = response.status() === 401 ? 'sign-in.html' : 'index.html';
    const file = join(directory, pathname === '/' ? start : pathname.slice('/console/'.length));
    const type = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', html: 'text/html' }[file.split('.').at(-1)];
    const isThere = existsSync(file) && (pathname === '/' || response.status() !== 401);
    await route.fulfill(isThere ? {
      response, status: response.status() === 404 ? 200 : response.status(), contentType: `${type}; charset=utf-8`,
      body: readFileSync(file, 'utf8').replace('{{message}}', ''),
    } : { response });
  });
}

/** Console errors, uncaught errors, dialogs, refusals, and requests to others, in the order in which they happened. */
export class Watch {
  #seen = [];
  #allowed = [];

  constructor(page, url) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !isRefusal(message)) this.#seen.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.#seen.push(`uncaught: ${error.stack}`));
    page.on('dialog', (dialog) => { this.#seen.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob|about):/.test(request.url())) this.#seen.push(`outside: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() < 400) return;
      const { pathname } = new URL(response.url());
      this.#seen.push(`refusal: ${response.status()} ${response.request().method()} ${pathname}`);
    });
    // The sign-in page is the answer to a page that asks for a session.
    this.allow(/^refusal: 401 GET \/$/);
  }

  /** A refusal that a test brings about on purpose. */
  allow(pattern) {
    this.#allowed.push(pattern);
  }

  /** A page asks for what it shows until it is left, also in the moment after that is gone. */
  allowGone(path) {
    this.allow(new RegExp(`^refusal: 404 GET /api/v1${path}$`));
  }

  /** What happened that nobody allowed. */
  get problems() {
    return this.#seen.filter((line) => !this.#allowed.some((pattern) => pattern.test(line)));
  }

  assertClean() {
    assert.deepEqual(this.problems, []);
  }
}

/** Chromium writes each refused request to the console too; the refusals are counted as such. */
function isRefusal(message) {
  return message.text().startsWith('Failed to load resource: the server responded with a status of');
}
