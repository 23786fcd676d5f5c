// Small questions about keys, values and times to live.
'use strict';

const { wrong } = require('./error');
const { checkNames } = require('./known-names');

/** Longest time to live: what fits into 32 bits, 136 years. */
const MAX_TTL_SECONDS = 2 ** 32 - 1;

/** Whether a hook returned a promise. Awaiting what is none would cost every call a turn of the event loop. */
function thenable(value) {
  return value !== null && typeof value === 'object' && typeof value.then === 'function';
}

/**
 * A key or value in the form in which it is sent: text as it is, and of bytes a copy, because whoever gave them may
 * change them. `undefined` for everything else. Throws when the bytes were given away.
 */
function sendable(given) {
  if (typeof given === 'string') return given;
  if (!ArrayBuffer.isView(given)) return undefined;
  return Buffer.from(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
}

/** A text that names something in keys. Halves of surrogate pairs would all be the same character there: one key for several names. */
function named(given, setting) {
  if (typeof given !== 'string' || given === '') throw wrong(setting, 'it must be a text that is not empty');
  if (/\p{Surrogate}/u.test(given)) throw wrong(setting, 'it has half a surrogate pair, which is no character');
  return given;
}

/** Bytes of a buffer as text, or a buffer of their own when they are no text. */
function textOrBytes(buffer, start = 0, end = buffer.length) {
  const text = buffer.utf8Slice(start, end);
  if (!text.includes('\ufffd')) return text;
  const bytes = buffer.subarray(start, end);
  return Buffer.from(text).equals(bytes) ? text : Buffer.from(bytes);
}

/** The JSON in a value. What is no UTF-8 arrives as bytes. */
function parseJson(value) {
  if (typeof value === 'string') return JSON.parse(value);
  throw new SyntaxError('not UTF-8');
}

/** Throws unless these are options of a call, and only such as it has. */
function checkCallOptions(options, names, example) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrong('options', `they must be an object such as ${example}`);
  checkNames(options, names, 'options');
}

/** The time to live that one call asks for, in seconds; null for that of each entry. */
function ttlOf(options) {
  if (options === undefined) return null;
  checkCallOptions(options, ['ttlSeconds'], '{ ttlSeconds: 3600 }');
  const { ttlSeconds = null } = options;
  if (ttlSeconds === null || (Number.isInteger(ttlSeconds) && ttlSeconds >= 0 && ttlSeconds <= MAX_TTL_SECONDS)) return ttlSeconds;
  throw wrong('options.ttlSeconds', `it must be a whole number of seconds, at most ${MAX_TTL_SECONDS}, 0 for ever; nothing was written`);
}

/** Whether a text has at most so many bytes as UTF-8. */
function bytesWithin(text, limit) {
  if (typeof text !== 'string') return text.length <= limit;
  return text.length * 3 <= limit || Buffer.byteLength(text) <= limit;
}

/**
 * An entry's time to live in whole seconds; 0 when it has none. Text such as "60" counts as a number, and less than 0 as none, as in
 * Jovo. What is no number, such as "60s", is an error: what is meant to go must not stay for ever.
 */
function secondsOf(entry) {
  const seconds = Number(entry.ttlSeconds ?? 0);
  if (seconds <= 0) return 0;
  if (Number.isInteger(seconds) && seconds <= MAX_TTL_SECONDS) return seconds;
  throw wrong(`ttlSeconds of entry "${entry.id}"`, `it must be a whole number of seconds, at most ${MAX_TTL_SECONDS}; nothing was written`);
}

module.exports = { MAX_TTL_SECONDS, bytesWithin, checkCallOptions, named, parseJson, secondsOf, sendable, textOrBytes, thenable, ttlOf };
