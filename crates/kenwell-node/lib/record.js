// What a record must look like, and what is known about one: when it was made, and what it was when it was read.
'use strict';

const { wrong } = require('./error');

/** Why something is no record. Tells no value. */
class NoRecord extends Error {}

/**
 * Something that is known about objects of the program. It is kept on the object, where nobody sees it and copies do not
 * have it; a frozen one is known from the outside, at a higher cost.
 */
class Known {
  constructor(name) {
    this.symbol = Symbol(name);
    this.frozen = new WeakMap();
  }

  of(object) {
    return this.frozen.get(object) ?? object[this.symbol];
  }

  set(object, value) {
    // To define once more what is there already would be slow.
    const isThere = Object.prototype.hasOwnProperty.call(object, this.symbol);
    const isKept = isThere ? Reflect.set(object, this.symbol, value) : Reflect.defineProperty(object, this.symbol, { value, writable: true, configurable: true });
    if (!isKept) this.frozen.set(object, value);
  }
}

/** Of records that were loaded or saved: which server, keys and values that was. */
const versions = new Known('version');

/** Of records that were saved without a `createdAt`, and of their parts: the user, and the time that was saved. */
const births = new Known('birth');

/** Throws NoRecord unless a load could give this. Parts that are missing, null or empty are no parts. */
function check(record) {
  if (!isObject(record)) throw new NoRecord('it is not an object');
  for (const name of ['user', 'session', 'history']) {
    if (record[name] && !isObject(record[name])) throw new NoRecord(`"${name}" is not an object`);
  }
  if (record.history && record.history.items && !Array.isArray(record.history.items)) throw new NoRecord('"history.items" is not an array');
  for (const name of ['createdAt', 'updatedAt']) {
    if (record[name] && Number.isNaN(timeOf(record[name]))) throw new NoRecord(`"${name}" is not a date such as 2024-01-01T00:00:00.000Z`);
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Milliseconds of a date, of its text, or as they are; NaN for everything else. */
function timeOf(value) {
  if (typeof value === 'string') return Date.parse(value);
  return typeof value === 'number' || value instanceof Date ? Number(value) : NaN;
}

/** A record as it is saved now. It has the same `createdAt` whenever it is saved again. */
function stamped(userId, record) {
  const time = Date.now();
  const text = new Date(time).toISOString();
  // Two versions never have the same time.
  const updatedAt = text === record.updatedAt ? new Date(time + 1).toISOString() : text;
  const saved = { ...record, createdAt: birthOf(userId, record) ?? text, updatedAt };
  try {
    check(saved);
  } catch (error) {
    throw error instanceof NoRecord ? wrong('record', error.message) : error;
  }
  if (saved.createdAt !== record.createdAt) {
    for (const part of partsOf(record)) births.set(part, { userId, createdAt: saved.createdAt });
  }
  return saved;
}

/** When this user's record was saved first, if it was; a record that serves several users is new to each of them. */
function birthOf(userId, record) {
  const { createdAt } = record;
  if (createdAt) {
    const birth = births.of(record);
    return birth && birth.createdAt === createdAt && birth.userId !== userId ? undefined : createdAt;
  }
  const known = partsOf(record).map((part) => births.of(part));
  return known.find((birth) => birth?.userId === userId)?.createdAt;
}

/** What a record is known by: itself, and what a shallow copy shares with it. */
const partsOf = (record) => [record, record.user, record.session, record.history].filter((part) => typeof part === 'object' && part !== null);

/** Notes what a record is in Redis. */
function note(record, stored) {
  versions.set(record, stored);
}

/** What was read or written last of this record, if that is known. */
function versionOf(record) {
  return versions.of(record);
}

/** Whether a version is that of these keys of this server. */
function liesAt(version, server, keys) {
  return version.server === server && version.keys.length === keys.length && version.keys.every((key, index) => String(key) === String(keys[index]));
}

/** A copy of what plain objects and arrays hold; hooks may look at it later than the caller changes the original. */
function copied(value, known = new Map()) {
  if (typeof value !== 'object' || value === null || known.has(value)) return known.get(value) ?? value;
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  known.set(value, copy);
  // An own property, whatever its name: not the prototype's setter.
  for (const name of Object.keys(copy)) copy[name] = copied(copy[name], known);
  return copy;
}

module.exports = { NoRecord, check, copied, liesAt, note, stamped, timeOf, versionOf };
