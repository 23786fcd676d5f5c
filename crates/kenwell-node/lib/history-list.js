// Turns of a conversation in a Redis list beside the record: one more costs the same, however many there are. The Rust
// state store writes and reads the same list (crates/kenwell/src/state/append_history.rs).
'use strict';

const { connection } = require('./connections');
const { CORRUPT } = require('./entries');
const { at, wrong } = require('./error');
const { each, then, valueFrom } = require('./hooks');
const { checkNames } = require('./known-names');
const { HistoryElement } = require('./stored-elements');
const { checkSeconds } = require('./store-options');
const { secondsOf, thenable } = require('./values');

/** The most turns that a list keeps. */
const MAX_HISTORY_LIST = 10_000;

/** The option `historyList`: `{ id, size, fields, ttlSeconds }`. Null when there is none. */
function historyListOf(given, entries) {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'object' || Array.isArray(given)) throw wrong('historyList', 'it must be an object such as { id: "turns", size: 500 }');
  checkNames(given, ['id', 'size', 'fields', 'ttlSeconds'], 'historyList');
  if (typeof given.id !== 'string' || given.id === '') throw wrong('historyList.id', 'it must be a text such as "turns", part of the key');
  if (entries.some(({ id }) => id === given.id)) throw wrong('historyList.id', `an entry has the id "${given.id}" too`);
  if (given.size === undefined) throw wrong('historyList.size', `it is missing: say how many turns are kept, 1 to ${MAX_HISTORY_LIST}`);
  checkSeconds(given);
  return new HistoryElement(given, 'historyList', 1, MAX_HISTORY_LIST);
}

/** Puts turns, the oldest first, at the head of a user's list, and cuts it; one atomic step. */
function append(entries, element, userId, turns) {
  const end = entries.end();
  const { list, hooks, limit } = entries;
  // Older ones would be cut off at once.
  const kept = turns.slice(-element.size).map((turn) => element.turn(turn));
  const prepared = then(entries.keys(userId, end, [list]), ([key]) => {
    const encoded = each(kept, (turn) => hooks.encode(list.id, turn), (given) => entries.sealed(list, key, valueFrom(given, list.id, key)), end, limit);
    return then(encoded, (items) => ({ key, items, size: element.size, ttl: secondsOf(list) }));
  });
  return entries.write(userId, prepared, end, async (appended) => {
    try {
      await connection(entries.config, entries.server).append(appended, end);
    } catch (error) {
      throw error.index === undefined ? error : at(error, list.id, appended.key);
    }
  });
}

/** The turns of a user's list, the newest first. */
async function read(entries, element, userId) {
  const end = entries.end();
  const { list } = entries;
  const given = entries.keys(userId, end, [list]);
  const [key] = thenable(given) ? await given : given;
  let items;
  try {
    items = await connection(entries.config, entries.server).items(key, element.size, end);
  } catch (error) {
    throw error.index === undefined ? error : at(error, list.id, key);
  }
  const turns = [];
  for (const item of items) {
    const decoded = entries.decode(list, key, item, end);
    const turn = thenable(decoded) ? await decoded : decoded;
    if (turn !== CORRUPT) turns.push(turn);
  }
  return turns;
}

module.exports = { append, historyListOf, read };
