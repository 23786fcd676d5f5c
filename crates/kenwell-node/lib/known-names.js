// Options and parts of records that do not exist are errors that name what may be meant: what is misspelt must not be
// ignored in silence. A misspelt `encryption` would store plaintext. Neither must what is of another kind than it has to be.
'use strict';

const { wrong } = require('./error');

/** Throws when an object has something else than these names. Of everything else than objects there is nothing to say. */
function checkNames(given, names, setting = '') {
  for (const name of namesIn(given)) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    const instead = meant === null ? `there are ${names.join(', ')}` : `did you mean ${meant}?`;
    throw wrong(setting === '' ? name : `${setting}.${name}`, `there is no such name; ${instead}`);
  }
}

/** The same where others may have names of their own: throws for what is very close to one of these names only. */
function checkSlips(given, names, setting) {
  for (const name of namesIn(given)) {
    const meant = names.find((each) => each !== name && distance(each.toLowerCase(), name.toLowerCase()) <= 1);
    if (meant !== undefined && !names.includes(name)) throw wrong(`${setting}.${name}`, `there is no such name; did you mean ${meant}?`);
  }
}

const TRUTH = [(given) => typeof given === 'boolean', 'it must be true or false'];
const TEXT = [(given) => typeof given === 'string', 'it must be a text'];
const FUNCTION = [(given) => typeof given === 'function', 'it must be a function'];
const COUNT = [(given) => Number.isSafeInteger(given) && given > 0, 'it must be a whole number, at least 1'];

/** Throws for options of another kind than named here. What is undefined or null is not said. */
function checkKinds(given, kinds, setting = '') {
  if (typeof given !== 'object' || given === null) return;
  for (const [name, [fits, problem]] of Object.entries(kinds)) {
    const value = given[name];
    if (value !== undefined && value !== null && !fits(value)) throw wrong(setting === '' ? name : `${setting}.${name}`, problem);
  }
}

/** What an object says something about. What is undefined is not said. */
function namesIn(given) {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return [];
  return Object.keys(given).filter((name) => given[name] !== undefined);
}

/** The name that was probably meant; null when none is near. */
function nearest(given, names) {
  const name = given.toLowerCase();
  let best = null;
  let least = Infinity;
  for (const each of names) {
    const known = each.toLowerCase();
    const far = distance(known, name);
    if (far < least && far <= Math.max(known.length, name.length) / 3) {
      best = each;
      least = far;
    }
  }
  return best ?? names.find((each) => isPart(each.toLowerCase(), name) || isPart(name, each.toLowerCase())) ?? null;
}

const isPart = (whole, part) => part.length >= 3 && (whole.startsWith(part) || whole.endsWith(part));

/** How many letters are to be put in, taken out, changed, or exchanged with their neighbour (optimal string alignment). */
function distance(one, other) {
  let beforeLast = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const changed = one[row - 1] === other[column - 1] ? 0 : 1;
      current[column] = Math.min(last[column] + 1, current[column - 1] + 1, last[column - 1] + changed);
      const isExchanged = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (isExchanged) current[column] = Math.min(current[column], beforeLast[column - 2] + 1);
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length];
}

module.exports = { COUNT, FUNCTION, TEXT, TRUTH, checkKinds, checkNames, checkSlips };
