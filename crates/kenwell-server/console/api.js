// The documented JSON API, and its errors as sentences.
import { hasUnsaved } from './unsaved.js';

const BASE = '/api/v1';
const PATIENCE = 30_000;
const SIGNED_OUT = 'The session has ended. Sign in again in another tab and go on here: what you have typed is still there.';
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

export const get = (where, options) => call('GET', where, options);
export const post = (where, body, options) => call('POST', where, { ...options, body });
export const patch = (where, body, options) => call('PATCH', where, { ...options, body });
export const remove = (where, options) => call('DELETE', where, options);

/** `revision`: that of what is changed, as it was when the change was made; `exact`: keep the digits of numbers. */
async function call(method, where, options = {}, isSecondTry = false) {
  const response = await send(method, where, options);
  const text = await response.text();
  if (response.ok) return text === '' ? null : (options.exact ? parseExactly : JSON.parse)(text);
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

async function send(method, where, { body, revision, signal }) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET' && csrfToken) headers['X-Kenwell-CSRF'] = csrfToken;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (revision) headers['If-Match'] = `"${revision}"`;
  const limit = AbortSignal.timeout(PATIENCE);
  try {
    return await fetch(BASE + where, {
      method, headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      credentials: 'same-origin',
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, {
      code: 'unreachable',
      message: 'Kenwell does not answer. Is it still running, and can this browser reach it?',
    });
  }
}

function problemOf(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return undefined;
  }
}
