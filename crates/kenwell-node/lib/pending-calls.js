// Calls that wait for an answer of Redis: bounded in number, bytes and time. They keep the process alive until then.
'use strict';

const { Alarm, now, setInterval } = require('./clock');
const { KenwellError } = require('./error');

/** The most calls that may wait at once. */
const MAX_CALLS = 65_536;
/** About the most bytes of values that may wait to be written at once, 256 MiB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Numbers begin anew after so many; no call waits that long. */
const LAST = 0xffffffff;
/** How many places there are for calls at first; a power of two. */
const PLACES = 128;
/** A timer needs a time; it never does anything. */
const LONG_MS = 2 ** 30;

/**
 * The call that waits under a number lies where the number's last bits point. Not a `Map`: the tables that one leaves
 * behind keep answered calls, and all that they hold, from the garbage collector.
 */
let places = new Array(PLACES).fill(null);
let count = 0;
let bytesWaiting = 0;
let latest = 0;

// A referenced timer keeps the event loop alive, an unreferenced one does not. Without waiting calls nothing of ours
// does: programs end, and Lambda's callbacks return, as if there were no connection.
const alive = setInterval(() => {}, LONG_MS);
alive.unref();

const alarm = new Alarm(expire, () => count > 0);

/**
 * Makes a promise for `waiting`: `send(id)` sends it under the number it is given, about `bytes` of values wait with it, and
 * when nobody has answered it by the time `end`, `late()` is asked for the error. It gets `id`, `resolve` and `reject`.
 */
function call(waiting) {
  return new Promise((resolve, reject) => {
    const { bytes } = waiting;
    if (count >= MAX_CALLS || (bytes > 0 && bytesWaiting + bytes > MAX_BYTES)) {
      throw new KenwellError('KENWELL_BUSY', `${count} calls and ${bytesWaiting} bytes are waiting for Redis already`, { retryable: true });
    }
    const id = freeNumber();
    if (count === 0) alive.ref();
    count += 1;
    waiting.id = id;
    waiting.resolve = resolve;
    waiting.reject = reject;
    places[placeOf(id)] = waiting;
    bytesWaiting += bytes;
    try {
      waiting.send(id);
    } catch (error) {
      forget(id);
      throw error;
    }
    alarm.set(waiting.end);
  });
}

function resolve(id, value) {
  forget(id)?.resolve(value);
}

function reject(id, error) {
  forget(id)?.reject(error);
}

function rejectAll(error) {
  for (const { id } of all()) reject(id, error);
}

function forget(id) {
  const found = places[placeOf(id)];
  if (found === null || found.id !== id) return undefined;
  places[placeOf(id)] = null;
  count -= 1;
  bytesWaiting -= found.bytes;
  if (count === 0) alive.unref();
  return found;
}

function placeOf(id) {
  return id & (places.length - 1);
}

/** The next number whose place is free. At least half of the places are, so that one is found soon. */
function freeNumber() {
  if (count * 2 >= places.length) {
    const calls = all();
    places = new Array(places.length * 2).fill(null);
    for (const found of calls) places[placeOf(found.id)] = found;
  }
  do latest = (latest + 1) % LAST;
  while (places[placeOf(latest)] !== null);
  return latest;
}

/** The calls that wait, in no order. */
function all() {
  return places.filter((found) => found !== null);
}

/** Ends the calls whose time is over. */
function expire() {
  const time = now();
  let earliest = Infinity;
  for (const waiting of all()) {
    const { id, end } = waiting;
    if (end > time) earliest = Math.min(earliest, end);
    else if (places[placeOf(id)]?.id === id) {
      // One that was late may have taken others along, or have been answered after all.
      const error = waiting.late();
      if (error !== null) reject(id, error);
    }
  }
  if (count > 0) alarm.set(earliest);
}

module.exports = { call, reject, rejectAll, resolve };
