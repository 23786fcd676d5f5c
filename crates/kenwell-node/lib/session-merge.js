// Three versions of a session become one: what it was, what others have made of it since, and what is to be saved.
'use strict';

const { isDeepStrictEqual } = require('util');

/** Objects within objects are merged name by name down to this depth; below it one counts as a single value. */
const MAX_DEPTH = 32;

/** What says when a cookie ends. It belongs together, and comes from one side as a whole. */
const ENDS = ['expires', 'originalMaxAge', 'originalExpires'];
/** express-session sets the age anew with each request, from two looks at the clock: it may be off by this. */
const SAME_AGE_MS = 1000;

/**
 * What changed on one side only is taken from that side. Where both changed one value, to the same or not, `decide({ path, base, theirs,
 * mine })` says what becomes of it; `undefined` stands for what is not there. Objects are merged name by name, and everything else,
 * lists too, is one value.
 */
function merge(base, theirs, mine, decide, path = []) {
  if (isDeepStrictEqual(mine, base)) return theirs;
  if (isDeepStrictEqual(theirs, base)) return mine;
  if (!isPlain(theirs) || !isPlain(mine) || path.length >= MAX_DEPTH) return decide({ path, base, theirs, mine });
  const was = isPlain(base) ? base : {};
  const merged = [];
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const value = merge(own(was, name), own(theirs, name), own(mine, name), decide, [...path, name]);
    if (value !== undefined) merged.push([name, value]);
  }
  // Own properties, whatever their names: no prototype is set.
  return Object.fromEntries(merged);
}

/** The same for sessions of web frameworks, which have their cookie in them. */
function mergeSession(base, theirs, mine, decide) {
  const cookies = [base, theirs, mine].map((session) => (isPlain(session) ? own(session, 'cookie') : undefined));
  const merged = merge(withoutCookie(base), withoutCookie(theirs), withoutCookie(mine), decide);
  const cookie = mergeCookie(...cookies, decide);
  return isPlain(merged) && cookie !== undefined ? { ...merged, cookie } : merged;
}

function mergeCookie(base, theirs, mine, decide) {
  if (!isPlain(theirs) || !isPlain(mine)) return merge(base, theirs, mine, decide, ['cookie']);
  const was = isPlain(base) ? base : {};
  const [rest, end] = [(cookie) => pick(cookie, (name) => !ENDS.includes(name)), (cookie) => pick(cookie, (name) => ENDS.includes(name))];
  return { ...end(laterEnd(was, theirs, mine)), ...merge(rest(was), rest(theirs), rest(mine), decide, ['cookie']) };
}

/** The cookie whose end counts: who alone has changed how long it lives has the say, otherwise the later one. */
function laterEnd(base, theirs, mine) {
  const isMine = !sameAge(base, mine);
  const isTheirs = !sameAge(base, theirs);
  if (isMine !== isTheirs) return isMine ? mine : theirs;
  return endOf(theirs) > endOf(mine) ? theirs : mine;
}

/** Whether two cookies live for the same time. */
function sameAge(one, other) {
  const [age, otherAge] = [one.originalMaxAge ?? null, other.originalMaxAge ?? null];
  return age === null || otherAge === null ? age === otherAge : Math.abs(age - otherAge) <= SAME_AGE_MS;
}

/** When a cookie ends, in milliseconds; one that ends with the browser is later than any other. */
function endOf({ expires }) {
  const time = expires ? Number(new Date(expires)) : NaN;
  return Number.isNaN(time) ? Infinity : time;
}

const isPlain = (value) => typeof value === 'object' && value !== null && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);
const own = (object, name) => (Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined);
const pick = (object, isWanted) => Object.fromEntries(Object.entries(object).filter(([name]) => isWanted(name)));
const withoutCookie = (session) => (isPlain(session) ? pick(session, (name) => name !== 'cookie') : session);

module.exports = { merge, mergeSession };
