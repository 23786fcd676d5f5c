// The options that all session stores have, and what is wrong with them: found before anything is sent.
'use strict';

const { wrong } = require('./error');
const { TRUTH, checkKinds, checkNames } = require('./known-names');
const { MAX_TTL_SECONDS } = require('./values');

/** How Redis is reached. */
const CONNECTION = ['connectionString', 'tls', 'cluster', 'sentinel', 'addressMap', 'connectTimeoutMs', 'commandTimeoutMs'];
const SHARED = [...CONNECTION, 'prefix', 'encryption', 'hashIds', 'maxValueBytes', 'onConflict'];

/** Largest value unless the options say otherwise, 16 MiB. */
const DEFAULT_MAX_VALUE_BYTES = 16 * 1024 * 1024;

/** Throws KENWELL_SETTINGS for what is misspelt and for what cannot work. `names` are those of one store alone. */
function checkOptions(options, names) {
  if (!isObject(options)) throw wrong('options', 'they must be an object such as { connectionString: "redis://localhost:6379" }');
  checkNames(options, [...SHARED, ...names]);
  if (typeof options.prefix !== 'string') throw wrong('prefix', 'it must be a text');
  if (!isOff(options.hashIds) && !isObject(options.hashIds)) throw wrong('hashIds', 'it must be an object such as { secret: "…" }');
  checkNames(options.hashIds, ['secret'], 'hashIds');
  if (!isOff(options.encryption)) checkEncryption(options.encryption);
  const { onConflict } = options;
  if (!isOff(onConflict) && onConflict !== 'merge' && onConflict !== 'error' && typeof onConflict !== 'function') throw wrong('onConflict', 'it must be "merge", "error" or a function');
}

function checkEncryption(encryption) {
  if (!isObject(encryption)) throw wrong('encryption', 'it must be an object such as { keys: [{ id: "2026", secret: "…" }] }');
  checkNames(encryption, ['keys', 'acceptPlaintext'], 'encryption');
  checkKinds(encryption, { acceptPlaintext: TRUTH }, 'encryption');
  if (Array.isArray(encryption.keys)) encryption.keys.forEach((key, index) => checkNames(key, ['id', 'secret'], `encryption.keys[${index}]`));
}

/** A time to live in whole seconds, at least one, rounded up; `setting` names where it is from. */
function secondsFrom(given, setting) {
  const seconds = Math.ceil(given);
  if (typeof given === 'number' && seconds > 0 && seconds <= MAX_TTL_SECONDS) return seconds;
  throw wrong(setting, `it must be a number of seconds, more than 0 and at most ${MAX_TTL_SECONDS}`);
}

function maxValueBytesOf({ maxValueBytes = DEFAULT_MAX_VALUE_BYTES }) {
  if (Number.isInteger(maxValueBytes) && maxValueBytes > 0) return maxValueBytes;
  throw wrong('maxValueBytes', 'it must be a whole number of bytes');
}

const isOff = (given) => given === undefined || given === null || given === false;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

module.exports = { checkOptions, maxValueBytesOf, secondsFrom };
