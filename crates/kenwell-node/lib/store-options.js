// The options of stores, and what is wrong with them: found before anything is sent.
'use strict';

const { wrong } = require('./error');
const { COUNT, FUNCTION, TEXT, TRUTH, checkKinds, checkNames } = require('./known-names');
const { MAX_TTL_SECONDS, secondsOf } = require('./values');

/** The options that say how Redis is reached. */
const CONNECTION = ['connectionString', 'tls', 'cluster', 'sentinel', 'addressMap', 'connectTimeoutMs', 'commandTimeoutMs'];
/** What every store has, Jovo's plugin too. */
const SHARED = [
  ...CONNECTION,
  'keyPrefix',
  'keySeparator',
  'entries',
  'storedElements',
  'onCreateKey',
  'onEncodeValue',
  'onDecodeValue',
  'encryption',
  'hashUserIds',
  'refreshOnLoad',
  'profile',
  'overwriteCorrupt',
  'maxValueBytes',
];
/** What an entry can hold. */
const PARTS = ['user', 'session', 'history', 'createdAt', 'updatedAt'];
const ENTRY = ['id', ...PARTS, 'ttlSeconds'];
const ENTRY_KINDS = Object.fromEntries(PARTS.map((part) => [part, TRUTH]));
const KINDS = { refreshOnLoad: TRUTH, overwriteCorrupt: TRUTH, maxValueBytes: COUNT };
/** Of what Jovo's RedisDb has too: there everything that is true or false in JavaScript is taken as it always was. */
const STRICT_KINDS = {
  keyPrefix: TEXT,
  keySeparator: TEXT,
  onCreateKey: FUNCTION,
  onEncodeValue: FUNCTION,
  onDecodeValue: FUNCTION,
  ttlSeconds: [(given) => Number.isInteger(given) && given >= 0 && given <= MAX_TTL_SECONDS, `it must be a whole number of seconds, at most ${MAX_TTL_SECONDS}; 0 is for ever`],
};
const KEY = ['id', 'secret'];
/** The most entries of a store. */
const MAX_ENTRIES = 64;

/** Throws KENWELL_SETTINGS for options that do not exist, and for those that would leave something unencrypted by mistake. */
function checkOptions(config, names) {
  checkNames(config, names);
  checkKinds(config, KINDS);
  if (Array.isArray(config.entries)) config.entries.forEach((entry, index) => checkNames(entry, ENTRY, `entries[${index}]`));
  if (!isOff(config.profile) && config.profile !== true && !isObject(config.profile)) throw wrong('profile', 'it must be true, false, or an object such as { prefix: "shop" }');
  checkNames(config.profile, ['prefix'], 'profile');
  checkKinds(config.profile, { prefix: TEXT }, 'profile');
  checkNames(config.hashUserIds, ['secret'], 'hashUserIds');
  if (!isOff(config.hashUserIds) && !isObject(config.hashUserIds)) throw wrong('hashUserIds', 'it must be an object such as { secret: "…" }');
  if (!isOff(config.encryption)) checkEncryption(config);
}

/** Throws for options of another kind, and for entries that could not be kept apart, or were none, or would hold nothing. */
function checkStrictly(config) {
  checkKinds(config, STRICT_KINDS);
  checkEntries(config.entries);
}

function checkEntries(entries) {
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > MAX_ENTRIES) throw wrong('entries', `it must be a list of 1 to ${MAX_ENTRIES}, such as [{ id: "data", user: true }]`);
  const ids = new Set();
  for (const [index, entry] of entries.entries()) {
    if (!isObject(entry) || typeof entry.id !== 'string' || entry.id === '') throw wrong(`entries[${index}].id`, 'it must be a text such as "data", part of the key');
    if (ids.has(entry.id)) throw wrong('entries', `two have the id "${entry.id}"`);
    ids.add(entry.id);
    checkKinds(entry, ENTRY_KINDS, `entries[${index}]`);
    if (PARTS.every((part) => isOff(entry[part]))) throw wrong(`entries[${index}]`, `"${entry.id}" holds nothing: name what it does, as in { id: "data", user: true }; there are ${PARTS.join(', ')}`);
    checkSeconds(entry);
  }
}

/** A time to live is found wrong when a store is made. With Jovo, less than 0 means none. */
function checkSeconds(entry) {
  if (secondsOf(entry) === 0 && Number(entry.ttlSeconds ?? 0) < 0) throw wrong(`ttlSeconds of entry "${entry.id}"`, 'it must not be less than 0; 0 is for ever');
}

function checkEncryption({ encryption, entries, historyList }) {
  if (!isObject(encryption)) throw wrong('encryption', 'it must be an object such as { keys: [{ id: "2026", secret: "…" }] }');
  checkNames(encryption, ['keys', 'entries', 'acceptPlaintext'], 'encryption');
  checkKinds(encryption, { acceptPlaintext: TRUTH }, 'encryption');
  if (Array.isArray(encryption.keys)) encryption.keys.forEach((key, index) => checkNames(key, KEY, `encryption.keys[${index}]`));
  const named = encryption.entries;
  if (isOff(named)) return;
  if (!Array.isArray(named) || named.length === 0) throw wrong('encryption.entries', 'it must be a list of ids of entries; leave it out to encrypt all of them');
  const ids = [...(Array.isArray(entries) ? entries : []), ...(historyList ? [historyList] : [])].map(({ id }) => id);
  const unknown = named.find((id) => !ids.includes(id));
  if (unknown !== undefined) throw wrong('encryption.entries', `there is no entry "${unknown}"; there are ${ids.join(', ')}`);
}

const isOff = (given) => given === undefined || given === null || given === false;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

module.exports = { SHARED, checkOptions, checkSeconds, checkStrictly };
