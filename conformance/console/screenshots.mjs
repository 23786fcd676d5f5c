// Pictures of every page: light, dark, and as wide as a phone.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PHONE } from './support/browser.mjs';
import { furnish, furnished } from './support/furniture.mjs';
import { go, House } from './support/house.mjs';
import { makeHistory, PAGES, settle } from './support/pages.mjs';

const MOST_BYTES = 150_000;
const MOST_PIXELS = 1250;
const WIDE = { width: 1120, height: 760 };
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: WIDE },
  { look: 'dark', colorScheme: 'dark', viewport: WIDE },
  { look: 'phone', colorScheme: 'light', viewport: PHONE },
];

const [target] = process.argv.slice(2);
if (!target) throw new Error('screenshots.mjs DIRECTORY');
mkdirSync(target, { recursive: true });

/** The page as high as it is, up to a bound; where it is higher, the part that `show` scrolls to. */
async function picture(page, viewport, file, show) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: viewport.width, height: Math.min(MOST_PIXELS, Math.max(viewport.height, height)) });
  if (show) await page.locator(show).scrollIntoViewIfNeeded();
  await settle(page);
  await page.screenshot({ path: file });
  await page.setViewportSize(viewport);
  const { size } = statSync(file);
  console.log(`${file} ${size} bytes`);
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes; ${MOST_BYTES} is the most`);
}

const house = await new House().start(furnished);
try {
  await furnish(house);
  for (const { look, colorScheme, viewport } of LOOKS) {
    const entrance = await house.page({ colorScheme, viewport });
    await entrance.goto('/');
    await picture(entrance, viewport, join(target, `sign-in-${look}.png`));
    const page = await house.signedIn('/sources', { colorScheme, viewport });
    await makeHistory(page);
    for (const { name, where, prepare, show } of PAGES) {
      await go(page, where);
      await prepare?.(page, house);
      await settle(page);
      await picture(page, viewport, join(target, `${name}-${look}.png`), show);
    }
  }
  await house.leave();
} finally {
  await house.stop();
}
