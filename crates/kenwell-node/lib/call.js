// One call on a connection in JavaScript: its commands, and what has come of the answer.
'use strict';

const { uncertain } = require('./error');
const pending = require('./pending-calls');

/** What a caller waits for, as one of the calls that `pending` knows. */
class Call {
  constructor(connection, { commands, replyLimits, read }, changes, repeatable, end) {
    this.connection = connection;
    this.commands = commands;
    this.replyLimits = replyLimits;
    this.read = read;
    /** The writes or keys that it changes; null when it only reads. */
    this.changes = changes;
    this.repeatable = repeatable;
    this.end = end;
    this.bytes = bytesOf(commands);
    this.replies = [];
    /** When it was sent; 0 when it was not. */
    this.sentAt = 0;
    /** It was sent on a connection that broke. */
    this.repeated = false;
    /** Its time is over, and nobody waits for it any more. */
    this.over = false;
    /** What it changes may be undone by an older call that arrives late. */
    this.isUnsettled = false;
    // As `pending` sets them.
    this.id = 0;
    this.resolve = null;
    this.reject = null;
  }

  send() {
    this.connection.send(this);
  }

  late() {
    return this.connection.late(this);
  }

  succeed(answer) {
    pending.resolve(this.id, answer);
  }

  fail(error) {
    pending.reject(this.id, error);
  }

  /** The error of a call that was sent, was not answered for this reason, and is not sent again, because that could do harm. */
  notAgain(reason) {
    return uncertain(reason);
  }

  /** The keys that it changes. */
  keys() {
    return this.changes === null ? [] : this.changes.map((change) => change.key ?? change);
  }
}

/**
 * What goes to a server and is no whole call: part of one, or a question of our own. Tells `settled(error, answer)`, once;
 * somebody else minds its time.
 */
class PartialCall extends Call {
  constructor(connection, question, changes, repeatable, settled) {
    super(connection, question, changes, repeatable, Infinity);
    this.settled = settled;
  }

  succeed(answer) {
    this.settle(null, answer);
  }

  fail(error) {
    this.settle(error);
  }

  settle(error, answer) {
    const { settled } = this;
    this.settled = null;
    settled?.(error, answer);
  }

  /** Whoever has made it knows what it means that it was lost. */
  notAgain(reason) {
    return reason;
  }
}

/** About how many bytes are sent. Throws for what cannot be: a call is sent as a whole or not at all. */
function bytesOf(list) {
  let bytes = 0;
  for (const command of list) {
    for (const argument of command) {
      if (typeof argument !== 'string' && !(argument instanceof Uint8Array)) throw new TypeError('a key or value is neither text nor bytes');
      bytes += argument.length;
    }
  }
  return bytes;
}

module.exports = { Call, PartialCall };
