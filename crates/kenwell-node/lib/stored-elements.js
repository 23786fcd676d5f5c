// Which parts of a record are stored, when a session is over, and how many turns a history keeps. The Rust state store has
// the same rules (crates/kenwell/src/state/elements.rs), and Jovo's plugins the same names.
'use strict';

const { wrong } = require('./error');
const { checkNames } = require('./known-names');

const PARTS = ['user', 'session', 'history', 'createdAt', 'updatedAt'];
/** How long a session lives without being touched, unless something else is said: 15 minutes. */
const DEFAULT_SESSION_SECONDS = 900;
/** How many turns a history keeps, unless something else is said. */
const DEFAULT_HISTORY_SIZE = 3;

/** Turns that were stored, or are: of these no field is taken away any more. */
const storedTurns = new WeakSet();

/** What is not named in the option is stored as it is, and sessions without a time of their own are never over. */
class StoredElements {
  constructor(given = {}) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong('storedElements', 'it must be an object such as { session: { expiresAfterSeconds: 900 } }');
    checkNames(given, PARTS, 'storedElements');
    this.left = PARTS.filter((part) => isOff(given[part], part));
    this.session = sessionOf(given.session);
    this.history = historyOf(given.history);
  }

  /** Entries without the parts that are not stored. */
  entries(entries) {
    if (this.left.length === 0) return entries;
    const off = Object.fromEntries(this.left.map((part) => [part, false]));
    return entries.map((entry) => ({ ...entry, ...off }));
  }

  /** A record as it is stored. */
  toStored(record, time) {
    const stored = { ...record };
    if (this.session && record.session) stored.session = sessionAt(record.session, time);
    const items = record.history?.items;
    if (this.history && items) stored.history = { ...record.history, items: items.slice(0, this.history.size).map((item) => this.history.turn(item)) };
    return stored;
  }

  /** After it was saved, a record has the times of its session that were stored, and turns that are. */
  noteStored(record, stored) {
    if (this.session && record.session) {
      for (const name of ['createdAt', 'updatedAt']) Reflect.set(record.session, name, stored.session[name]);
    }
    noteTurns(record);
  }

  /** Takes from a record that was loaded what is not stored, and its session if that is over. */
  afterLoad(record, time) {
    for (const part of this.left) delete record[part];
    const { session } = record;
    if (this.session && session) {
      // One whose time cannot be told is not over, as in Jovo.
      if (time - new Date(session.updatedAt).getTime() > this.session.seconds * 1000) delete record.session;
      else Reflect.set(session, 'updatedAt', new Date(time).toISOString());
    }
    noteTurns(record);
  }
}

/** How turns are stored: the newest `size`, of new ones the chosen `fields`. */
class HistoryElement {
  constructor({ size = DEFAULT_HISTORY_SIZE, fields = null }, setting, least, most) {
    if (!Number.isInteger(size) || size < least || size > most) throw wrong(`${setting}.size`, `it must be a whole number from ${least} to ${most}`);
    if (fields !== null && !(Array.isArray(fields) && fields.every((field) => typeof field === 'string'))) throw wrong(`${setting}.fields`, 'it must be a list of names such as ["output", "nlu"]');
    this.size = size;
    this.fields = fields;
  }

  /** A turn with its chosen fields, in their order. What is no object stays as it is. */
  turn(item) {
    if (this.fields === null || typeof item !== 'object' || item === null || Array.isArray(item) || storedTurns.has(item)) return item;
    return Object.fromEntries(this.fields.filter((field) => Object.prototype.hasOwnProperty.call(item, field)).map((field) => [field, item[field]]));
  }
}

function noteTurns({ history }) {
  if (!Array.isArray(history?.items)) return;
  for (const item of history.items) if (typeof item === 'object' && item !== null) storedTurns.add(item);
}

/** A session with the times that it needs to be over one day. */
function sessionAt(session, time) {
  const text = new Date(time).toISOString();
  const { id, data, state, createdAt, updatedAt, ...more } = session;
  return { id, data: data ?? {}, state, createdAt: createdAt ?? text, updatedAt: updatedAt ?? text, ...more };
}

function isOff(given, part) {
  if (given === undefined || given === true || given === false) return given === false;
  const mayBeObject = part === 'user' || part === 'session' || part === 'history';
  if (!mayBeObject || typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong(`storedElements.${part}`, mayBeObject ? 'it must be true, false or an object' : 'it must be true or false');
  if (part === 'user') checkNames(given, ['enabled'], 'storedElements.user');
  return given.enabled === false;
}

function sessionOf(given) {
  if (given === undefined || given === false) return null;
  const options = given === true ? {} : given;
  checkNames(options, ['enabled', 'expiresAfterSeconds'], 'storedElements.session');
  const { expiresAfterSeconds: seconds = DEFAULT_SESSION_SECONDS } = options;
  if (!Number.isFinite(seconds) || seconds <= 0) throw wrong('storedElements.session.expiresAfterSeconds', 'it must be a number of seconds greater than 0');
  return { seconds };
}

function historyOf(given) {
  if (given === undefined || given === false) return null;
  const options = given === true ? {} : given;
  checkNames(options, ['enabled', 'size', 'fields'], 'storedElements.history');
  return new HistoryElement(options, 'storedElements.history', 0, Number.MAX_SAFE_INTEGER);
}

module.exports = { HistoryElement, PARTS, StoredElements };
