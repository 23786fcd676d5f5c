// The calls of one store that have begun and not ended, so that it can be closed when the last one has.
'use strict';

const { Alarm, now } = require('./clock');
const { KenwellError, wrong } = require('./error');
const { checkCallOptions } = require('./values');

class OpenCalls {
  constructor() {
    this.count = 0;
    /** No call begins any more. */
    this.closing = false;
    /** Nothing is sent any more, not even for a call that goes on. */
    this.closed = false;
    /** Called when the last call has ended. */
    this.ended = null;
  }

  /** A call begins. Throws when the store is closed. */
  begin() {
    if (this.closing) throw closed();
    this.count += 1;
  }

  /** Throws when a call that goes on must not send anything more. */
  check() {
    if (this.closed) throw closed();
  }

  end() {
    this.count -= 1;
    if (this.count === 0) this.ended?.();
  }

  /** Lets no call begin, and waits until all have ended, but not longer than this. */
  async close(limitMs) {
    this.closing = true;
    if (this.count > 0) await this.wait(limitMs);
    this.closed = true;
    if (this.count > 0) throw new KenwellError('KENWELL_TIMEOUT', `${this.count} calls were still under way ${limitMs} ms after the store began to close; whether they take effect is not known`);
  }

  wait(limitMs) {
    return new Promise((resolve) => {
      const alarm = new Alarm(resolve).keepAlive();
      alarm.set(now() + limitMs);
      this.ended = () => {
        alarm.clear();
        resolve();
      };
    });
  }
}

/** How long a close waits for calls, from its options. */
function closeLimit(options, standard) {
  checkCallOptions(options, ['timeoutMs'], '{ timeoutMs: 1000 }');
  const { timeoutMs = standard } = options;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return timeoutMs;
  throw wrong('options.timeoutMs', 'it must be a number of milliseconds');
}

function closed() {
  return new KenwellError('KENWELL_CLOSED', 'this program has closed the store; make another one');
}

module.exports = { OpenCalls, closeLimit };
