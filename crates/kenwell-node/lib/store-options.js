// The options of stores, and what is wrong with them: found before anything is sent.
'use strict';

const { wrong } = require('./error');
const { checkNames } = require('./known-names');

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
const ENTRY = ['id', 'user', 'session', 'history', 'createdAt', 'updatedAt', 'ttlSeconds'];
const KEY = ['id', 'secret'];
/** The most entries of a store. */
const MAX_ENTRIES = 64;

/** Throws KENWELL_SETTINGS for options that do not exist, and for those that would leave something unencrypted by mistake. */
function checkOptions(config, names) {
  checkNames(config, names);
  if (Array.isArray(config.entries)) config.entries.forEach((entry, index) => checkNames(entry, ENTRY, `entries[${index}]`));
  checkNames(config.profile, ['prefix'], 'profile');
  checkNames(config.hashUserIds, ['secret'], 'hashUserIds');
  if (!isOff(config.hashUserIds) && !isObject(config.hashUserIds)) throw wrong('hashUserIds', 'it must be an object such as { secret: "…" }');
  if (!isOff(config.encryption)) checkEncryption(config);
}

/** Throws for entries that could not be kept apart, or were none. */
function checkEntries(entries) {
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > MAX_ENTRIES) throw wrong('entries', `it must be a list of 1 to ${MAX_ENTRIES}, such as [{ id: "data", user: true }]`);
  const ids = new Set();
  for (const [index, entry] of entries.entries()) {
    if (!isObject(entry) || typeof entry.id !== 'string' || entry.id === '') throw wrong(`entries[${index}].id`, 'it must be a text such as "data", part of the key');
    if (ids.has(entry.id)) throw wrong('entries', `two have the id "${entry.id}"`);
    ids.add(entry.id);
  }
}

function checkEncryption({ encryption, entries, historyList }) {
  if (!isObject(encryption)) throw wrong('encryption', 'it must be an object such as { keys: [{ id: "2026", secret: "…" }] }');
  checkNames(encryption, ['keys', 'entries', 'acceptPlaintext'], 'encryption');
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

module.exports = { SHARED, checkEntries, checkOptions };
