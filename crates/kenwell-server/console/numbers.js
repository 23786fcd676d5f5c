// Counts and sizes as people read them.

const COUNT = new Intl.NumberFormat();
const SHORT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A count in full, with the reader's separators. */
export const count = (value) => (value === null || value === undefined ? '–' : COUNT.format(value));

/** A count in a few characters, for axes; quarters of one keep both digits. */
export const short = (value) => (value < 1 ? value.toLocaleString(undefined, { maximumFractionDigits: 2 }) : SHORT.format(value));

/** A size in powers of 1024, as the settings have it. */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  let rest = value;
  let unit = 0;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${rest.toLocaleString(undefined, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** "1 event", "2 events". */
export const plural = (value, one) => `${count(value)} ${value === 1 ? one : `${one}s`}`;
