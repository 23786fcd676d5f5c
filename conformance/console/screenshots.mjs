// Pictures of every page: light, dark, and as wide as a phone.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DESKTOP, PHONE } from './support/browser.mjs';
import { furnish, furnished } from './support/furniture.mjs';
import { go, House } from './support/house.mjs';
import { PAGES, settle } from './support/pages.mjs';

const MOST_BYTES = 150_000;
const MOST_PIXELS = 2400;
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: DESKTOP },
  { look: 'dark', colorScheme: 'dark', viewport: DESKTOP },
  { look: 'phone', colorScheme: 'light', viewport: PHONE },
];

const [target] = process.argv.slice(2);
if (!target) throw new Error('screenshots.mjs DIRECTORY');
mkdirSync(target, { recursive: true });

/** The whole page, as high as it is, so that the navigation reaches down to its end. */
async function picture(page, viewport, file) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: viewport.width, height: Math.min(MOST_PIXELS, Math.max(viewport.height, height)) });
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
    const page = await house.signedIn('/overview', { colorScheme, viewport });
    for (const { name, where, prepare } of PAGES) {
      await go(page, where);
      await prepare?.(page, house);
      await settle(page);
      await picture(page, viewport, join(target, `${name}-${look}.png`));
    }
  }
  await house.leave();
} finally {
  await house.stop();
}
