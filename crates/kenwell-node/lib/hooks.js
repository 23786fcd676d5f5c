// What the program's own functions give: at once, or as a promise that is not waited for longer than the call may take.
'use strict';

const { Alarm } = require('./clock');
const { KenwellError, timeout } = require('./error');
const { sendable, thenable } = require('./values');

/**
 * Asks a hook once for each item, one after the other, and gives the list of what `accept(given, item, index)` makes of the
 * answers. Without promises the list is there at once: what a caller changes after a call has begun is no part of it.
 */
function each(items, ask, accept, end, limit) {
  const results = new Array(items.length);
  for (let index = 0; index < items.length; index++) {
    const given = ask(items[index], index);
    if (thenable(given)) return rest(results, index, given, items, ask, accept, end, limit);
    results[index] = accept(given, items[index], index);
  }
  return results;
}

async function rest(results, first, promise, items, ask, accept, end, limit) {
  results[first] = accept(await inTime(promise, end, limit), items[first], first);
  for (let index = first + 1; index < items.length; index++) {
    const given = ask(items[index], index);
    results[index] = accept(thenable(given) ? await inTime(given, end, limit) : given, items[index], index);
  }
  return results;
}

/** Goes on with something, now or when the promise that it is comes to it. */
function then(given, next) {
  return thenable(given) ? given.then(next) : next(given);
}

/** The same as `given`, but over when the call is. */
function inTime(given, end, limit) {
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => reject(timeout(limit, 'a hook'))).keepAlive();
    alarm.set(end);
    Promise.resolve(given)
      .finally(() => alarm.clear())
      .then(resolve, reject);
  });
}

/** The key that a hook has given. */
function keyFrom(given, { id }) {
  const key = sent(given);
  if (key !== undefined) return key;
  throw new KenwellError('KENWELL_HOOK', `entry "${id}": onCreateKey returned ${typeof given}, not a string`, { entry: id });
}

/** The value that a hook has made. */
function valueFrom(given, id, key) {
  const value = typeof given === 'number' ? String(given) : sent(given);
  if (value !== undefined) return value;
  throw new KenwellError('KENWELL_HOOK', `entry "${id}": onEncodeValue returned ${typeof given}, not a string or bytes`, { entry: id, key: String(key) });
}

function sent(given) {
  try {
    return sendable(given);
  } catch {
    return undefined; // the memory of these bytes was given away
  }
}

module.exports = { each, inTime, keyFrom, then, valueFrom };
