// Events and commands as text, with personal values hidden until somebody asks for them.
import { ExactNumber } from './api.js';

/** What stands for a hidden value; its length tells nothing. */
export const HIDDEN = '••••••';

/** What says nothing about a person: kinds, times, and what sent the event. */
const OPEN = [
  /^(type|event|channel|messageId|timestamp|sentAt|originalTimestamp|receivedAt)$/,
  /^context\.library\./, /^integrations\./, /^\$truncated$/,
];

const isOpen = (path) => OPEN.some((pattern) => pattern.test(path));

/** JSON in lines; with `masked` only what is no one's business stays hidden. Names are always shown. */
export function jsonText(value, { masked = false } = {}) {
  return write(value, '', '', masked);
}

function write(value, path, indent, masked) {
  if (value instanceof ExactNumber) return masked && !isOpen(path) ? HIDDEN : value.digits;
  if (value === null || typeof value !== 'object') return masked && !isOpen(path) ? HIDDEN : JSON.stringify(value);
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const parts = Array.isArray(value)
    ? value.map((item) => inner + write(item, path, inner, masked))
    : Object.entries(value).map(([name, item]) =>
      `${inner}${JSON.stringify(name)}: ${write(item, path === '' ? name : `${path}.${name}`, inner, masked)}`);
  return parts.length === 0 ? open + close : `${open}\n${parts.join(',\n')}\n${indent}${close}`;
}

/** A Redis command as it would be typed; with `masked` without the user's id and without values. */
export function commandText(words, { masked = false } = {}) {
  return (masked ? hide(words) : words.map(quote)).join(' ');
}

/**
 * HSET key field value …: names stay, the key keeps what stands before the user's id. HDEL key name … ; HSET …: what is
 * removed has names only. JSON.MERGE key $ patch …: nothing stays behind the path.
 */
function hide(words) {
  const isDocument = words[0]?.startsWith('JSON.');
  // A removed field that is called ";" is followed by ";.*".
  const end = words.findIndex((one, place) => one === ';' && place > 1 && words[place + 1] === 'HSET');
  const removes = words[0] === 'HDEL' ? (end < 0 ? words.length : end + 1) : 0;
  return words.map((one, at) => {
    if (isDocument && at > 2) return HIDDEN;
    const place = at < removes ? at : at - removes;
    if (place === 0) return quote(one);
    if (place === 1) return quote(one.replace(/((?:^|:)user:).*$/s, `$1${HIDDEN}`));
    return at < removes || place % 2 === 0 ? quote(one) : HIDDEN;
  });
}

/** As redis-cli reads it back. */
function quote(text) {
  if (/^[\w.:@/+-]+$/.test(text) || text.includes(HIDDEN)) return text;
  return JSON.stringify(text);
}

/** A user's id, hidden unless the reader has asked for this very user. */
export function userText(id, { masked = false, known = '' } = {}) {
  if (id === null || id === undefined) return 'no user';
  return masked && id !== known ? HIDDEN : id;
}
