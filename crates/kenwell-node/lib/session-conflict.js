// What becomes of a value that two saves have both changed, as the option `onConflict` has it.
'use strict';

const { isDeepStrictEqual } = require('util');

const { KenwellError, shown, wrong } = require('./error');

/** `decide` of `merge`, for what is stored under this key. */
function decideBy(onConflict, key) {
  if (typeof onConflict === 'function') return ({ path, ...versions }) => decided(onConflict({ path: [...path], ...versions }), path);
  if (onConflict !== 'error') return ({ mine }) => mine; // this save is the last one
  return ({ path, theirs, mine }) => {
    if (isDeepStrictEqual(theirs, mine)) return mine;
    throw conflict(key, `somebody else has changed ${path.length === 0 ? 'it' : shown(path.join('.'))} too since it was read; nothing was saved`);
  };
}

/** What the program's function gives. A promise would be stored as an empty object. */
function decided(value, path) {
  if (value === undefined && path.length === 0) throw wrong('onConflict', 'it must give a value for the whole session');
  if (typeof value?.then === 'function') throw wrong('onConflict', 'it must give its value at once, not a promise');
  return value;
}

function conflict(key, problem) {
  return new KenwellError('KENWELL_CONFLICT', `key ${shown(key)}: ${problem}`, { key });
}

module.exports = { conflict, decideBy };
