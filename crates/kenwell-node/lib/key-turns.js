// Writes to one key, one after the other in the order in which they were begun; and what each knows for the next.
'use strict';

const { KenwellError } = require('./error');

/** The most writes that may wait for older ones, in this process. */
const MAX_WAITING = 65_536;

/** From a key to its writes that are not over. */
const places = new Map();
let waiting = 0;

/**
 * Begins a write when all older ones on the key are over, and gives what it gives. `action(place)` finds in `place.stored`
 * what the one before it has left in Redis, `undefined` when that is not known, and leaves there what is stored afterwards.
 */
function inTurn(key, action) {
  const place = places.get(key) ?? { last: null, count: 0, stored: undefined };
  if (place.last !== null && waiting >= MAX_WAITING) {
    return Promise.reject(new KenwellError('KENWELL_BUSY', `${waiting} writes of sessions are waiting for older ones already`, { retryable: true }));
  }
  places.set(key, place);
  place.count += 1;
  waiting += 1;
  const outcome = place.last === null ? action(place) : place.last.then(() => action(place));
  const leave = () => {
    waiting -= 1;
    place.count -= 1;
    if (place.count === 0) places.delete(key);
  };
  place.last = outcome.then(leave, leave);
  return outcome;
}

module.exports = { inTurn };
