// The documented JSON API, and its errors as sentences.
import { hasUnsaved } from './unsaved.js';

const BASE = '/api/v1';
const PATIENCE_SECONDS = 30;
/** For what goes the whole way to a Redis, or through all dead letters or the journal: a little longer than the server takes at most. */
export const LONG_PATIENCE = { patience: 310 };
const SIGNED_OUT = 'The session has ended. Sign in again in another tab and go on here: what you have typed is still there.';
const UNREACHABLE = 'Kenwell does not answer. Is it still running, and can this browser reach it?';
const tooSlow = (seconds) => `Kenwell has not answered within ${seconds} seconds. What it was asked for may still be done: look before you ask again.`;
let csrfToken = null;

/** What the API said instead of an answer; `message` is a sentence with the cure. */
export class ApiError extends Error {
  constructor(status, { code = 'unknown', message = `Kenwell answered with status ${status}.`, setting, events, problems } = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.setting = setting ?? null;
    /** How many events wait, when that is the reason. */
    this.events = events ?? null;
    this.problems = problems ?? [];
  }
}

/** A number that JavaScript cannot hold exactly, as its digits were sent. */
export class ExactNumber {
  constructor(digits) {
    this.digits = digits;
  }

  toString() {
    return this.digits;
  }

  /** The same digits, where the browser can send them. */
  toJSON() {
    return JSON.rawJSON?.(this.digits) ?? Number(this.digits);
  }
}

/** JSON whose numbers keep their digits where the browser can tell them; elsewhere they are rounded. */
export function parseExactly(text) {
  return JSON.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return String(value) === context.source ? value : new ExactNumber(context.source);
  });
}

/** Takes the session up: its token is what every change needs. */
export async function openSession() {
  const session = await get('/session');
  csrfToken = session.csrf_token;
  return session;
}

/** Path segments, escaped and joined. */
export const path = (...segments) => segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');

/** `?a=1&b=2`, without what is empty. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

/** Where a user's profile is. Browsers drop the ids `.` and `..` from a path: they stand in the query. `what` follows the id. */
export function profilePath(destination, user, what = '', words = {}) {
  const isDropped = user === '.' || user === '..';
  return `/profiles${path(destination, isDropped ? '-' : user)}${what}${query(isDropped ? { ...words, user_id: user } : words)}`;
}

export const get = (where, options) => call('GET', where, options);
export const post = (where, body, options) => call('POST', where, { ...options, body });
export const patch = (where, body, options) => call('PATCH', where, { ...options, body });
export const remove = (where, options) => call('DELETE', where, options);

/**
 * `revision`: that of what is changed, as it was when the change was made; `exact`: keep the digits of numbers; `patience`: how
 * many seconds an answer is waited for.
 */
async function call(method, where, options = {}, isSecondTry = false) {
  const { response, text } = await send(method, where, options);
  if (response.ok) return text === '' ? null : contentOf(text, options.exact ? parseExactly : JSON.parse);
  if (response.status === 401) {
    if (hasUnsaved()) throw new ApiError(401, { code: 'signed_out', message: SIGNED_OUT });
    // The session has ended: the server shows its sign-in page instead of this one.
    location.reload();
  }
  const error = new ApiError(response.status, problemOf(text));
  if (error.code === 'csrf' && !isSecondTry) {
    // Somebody signed in again in another tab, which made a new token.
    await openSession();
    return call(method, where, options, true);
  }
  throw error;
}

async function send(method, where, { body, revision, signal, patience = PATIENCE_SECONDS }) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET' && csrfToken) headers['X-Kenwell-CSRF'] = csrfToken;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (revision) headers['If-Match'] = `"${revision}"`;
  const limit = AbortSignal.timeout(patience * 1000);
  try {
    const response = await fetch(BASE + where, {
      method, headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      credentials: 'same-origin',
    });
    return { response, text: await response.text() };
  } catch (cause) {
    if (signal?.aborted) throw cause;
    // That nobody answers is said above all pages; that one answer takes its time, where it is missing.
    throw new ApiError(0, limit.aborted ? { code: 'too_slow', message: tooSlow(patience) } : { code: 'unreachable', message: UNREACHABLE });
  }
}

function contentOf(text, parse) {
  try {
    return parse(text);
  } catch {
    throw new ApiError(0, { code: 'unknown', message: 'Something between this browser and Kenwell answered instead of it. Load the page again.' });
  }
}

function problemOf(text) {
  try {
    return JSON.parse(text).error ?? undefined;
  } catch {
    return undefined;
  }
}
