// Calls that wait for Redis: bounded in number, bytes and time, and what keeps the process alive until they are answered.
'use strict';

const { Alarm, now, setInterval } = require('./clock');
const { KenwellError } = require('./error');

/** The most calls that may wait at once. */
const MAX_CALLS = 65_536;
/** About the most bytes of values that may wait to be written at once, 256 MiB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Numbers begin anew after so many; no call waits that long. */
const LAST = 0xffffffff;
/** A timer needs a time; it never does anything. */
const LONG_MS = 2 ** 30;

/** From a number to the call that waits under it. */
const calls = new Map();
let bytesWaiting = 0;
let next = 0;

// A referenced timer keeps the event loop alive, an unreferenced one does not. Without waiting calls nothing of ours
// does: programs end, and Lambda's callbacks return, as if there were no connection.
const alive = setInterval(() => {}, LONG_MS);
alive.unref();

const alarm = new Alarm(expire, () => calls.size > 0);

/**
 * Makes a promise for the call that `send` sends under the number it is given. When nobody has answered it by the time
 * `end`, `late` is asked for the error.
 */
function call(send, bytes, end, late) {
  return new Promise((resolve, reject) => {
    if (calls.size >= MAX_CALLS || (bytes > 0 && bytesWaiting + bytes > MAX_BYTES)) {
      throw new KenwellError('KENWELL_BUSY', `${calls.size} calls and ${bytesWaiting} bytes are waiting for Redis already`, { retryable: true });
    }
    const id = next;
    next = (id + 1) % LAST;
    if (calls.size === 0) alive.ref();
    calls.set(id, { resolve, reject, bytes, end, late });
    bytesWaiting += bytes;
    try {
      send(id);
    } catch (error) {
      forget(id);
      throw error;
    }
    alarm.set(end);
  });
}

function resolve(id, value) {
  forget(id)?.resolve(value);
}

function reject(id, error) {
  forget(id)?.reject(error);
}

function rejectAll(error) {
  for (const id of [...calls.keys()]) reject(id, error);
}

function forget(id) {
  const found = calls.get(id);
  if (found === undefined) return undefined;
  calls.delete(id);
  bytesWaiting -= found.bytes;
  if (calls.size === 0) alive.unref();
  return found;
}

/** Ends the calls whose time is over. */
function expire() {
  const time = now();
  let earliest = Infinity;
  for (const [id, { end, late }] of [...calls]) {
    if (end > time) earliest = Math.min(earliest, end);
    else if (calls.has(id)) {
      // One that was late may have taken others along, or have been answered after all.
      const error = late(id);
      if (error !== null) reject(id, error);
    }
  }
  if (calls.size > 0) alarm.set(earliest);
}

module.exports = { call, reject, rejectAll, resolve };
