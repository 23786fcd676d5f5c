// Calls that wait for Redis: bounded, and what keeps the process alive until they are answered.
'use strict';

const { KenwellError } = require('./error');

/** The most calls that may wait at once. */
const MAX_CALLS = 65_536;
/** About the most bytes of values that may wait to be written at once, 256 MiB. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Numbers begin anew after so many; no call waits that long. */
const LAST = 0xffffffff;
/** A timer needs a time; it never does anything. */
const LONG_MS = 2 ** 30;

class Waiting {
  constructor() {
    this.calls = new Map();
    this.bytes = 0;
    this.next = 0;
    // A referenced timer keeps the event loop alive, an unreferenced one does not. Without waiting calls nothing of
    // ours does: programs end, and Lambda's callbacks return, as if there were no connection.
    this.alive = setInterval(() => {}, LONG_MS);
    this.alive.unref();
  }

  /** Makes a promise for the call that `send` sends under the number it is given. */
  call(send, bytes = 0) {
    return new Promise((resolve, reject) => {
      if (this.calls.size >= MAX_CALLS || (bytes > 0 && this.bytes + bytes > MAX_BYTES)) {
        throw new KenwellError('KENWELL_BUSY', `${this.calls.size} calls and ${this.bytes} bytes are waiting for Redis already`, { retryable: true });
      }
      const id = this.next;
      this.next = (id + 1) % LAST;
      send(id);
      if (this.calls.size === 0) this.alive.ref();
      this.calls.set(id, { resolve, reject, bytes });
      this.bytes += bytes;
    });
  }

  resolve(id, value) {
    this.forget(id)?.resolve(value);
  }

  reject(id, error) {
    this.forget(id)?.reject(error);
  }

  rejectAll(error) {
    for (const id of [...this.calls.keys()]) this.reject(id, error);
  }

  forget(id) {
    const call = this.calls.get(id);
    if (call === undefined) return undefined;
    this.calls.delete(id);
    this.bytes -= call.bytes;
    if (this.calls.size === 0) this.alive.unref();
    return call;
  }
}

module.exports = { Waiting };
