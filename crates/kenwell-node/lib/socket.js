// The connection to Redis in JavaScript alone: one server, one socket. It takes over where the native part cannot be
// loaded, as in a bundle or on another platform; it knows neither Cluster nor Sentinel.
'use strict';

const { now } = require('./clock');
const commands = require('./commands');
const { KenwellError, lost, timeout, uncertain } = require('./error');
const { Fifo } = require('./fifo');
const { Line } = require('./line');
const { Refusal, encode } = require('./resp');
const { rooms } = require('./room');
const waiting = require('./waiting');

/** Refusals after which a new connection may fare better: a failover, or a password that was changed. */
const SPOILING = new Set(['READONLY', 'NOAUTH', 'WRONGPASS', 'MASTERDOWN']);

/** One call: its commands as bytes, and what has come of the answer. */
class Call {
  constructor({ commands: list, read }, repeatable) {
    this.bytes = encode(list);
    this.rooms = rooms(list);
    this.count = list.length;
    this.read = read;
    this.repeatable = repeatable;
    this.replies = [];
    /** When it was sent; 0 when it was not. */
    this.sentAt = 0;
    /** It was sent on a connection that broke. */
    this.repeated = false;
    /** Its time is over, and nobody waits for it any more. */
    this.over = false;
  }
}

class SocketConnection {
  constructor(settings) {
    if (settings.cluster || settings.sentinel) {
      throw new KenwellError('KENWELL_NATIVE', 'Redis Cluster and Sentinel need the native part of @kenwell/redis, which could not be loaded here');
    }
    this.settings = settings;
    /** The socket that is open, or is being opened. */
    this.line = null;
    /** What is to be sent, or to be sent again, in the order in which it was begun. */
    this.unsent = new Fifo();
    /** What the server calls the last connection on which something was left without an answer. */
    this.previous = null;
    this.left = false;
  }

  fetch(keys, refresh, profileKey, end) {
    return this.ask(commands.fetch(keys, refresh, profileKey), true, end);
  }

  store(writes, end) {
    return this.ask(commands.store(writes), true, end);
  }

  storeUnchanged(expected, writes, end) {
    return this.ask(commands.storeUnchanged(expected, writes), false, end);
  }

  remove(keys, end) {
    return this.ask(commands.remove(keys), true, end);
  }

  /** Calls that wait are still answered. */
  close() {
    this.left = true;
    this.pump();
  }

  /** Sends, and reads every reply. What may be executed twice is sent again, once, when the connection was lost. */
  ask(question, repeatable, end) {
    const call = new Call(question, repeatable);
    const send = (id) => {
      call.id = id;
      this.unsent.push(call);
      this.pump();
    };
    return waiting.call(send, call.bytes.length, end, () => this.late(call));
  }

  /** Sends what is to be sent, unless something else has to happen first. */
  pump() {
    if (this.unsent.length === 0) {
      if (this.left && this.line?.queue.length === 0) this.line.close(lost('it is not needed any more'));
      return;
    }
    if (this.line === null) this.dial();
    const { line } = this;
    if (line === null || !line.ready || line.probing) return;
    // A connection that is given up answers first: what is sent on the next one must not be executed before that.
    if (line.spoilt) return;
    if (line.isQuiet()) {
      line.probe();
      return;
    }
    for (const call of this.unsent.takeAll()) {
      if (call.over) continue;
      call.sentAt = now();
      line.send(call);
    }
  }

  dial() {
    try {
      this.line = new Line(this, this.settings, this.previous);
    } catch (error) {
      for (const { id } of this.unsent.takeAll()) waiting.reject(id, error);
    }
  }

  /** All replies to a call have come. */
  answered(line, call) {
    const spoiling = call.replies.some((reply) => reply instanceof Refusal && SPOILING.has(reply.code));
    try {
      waiting.resolve(call.id, call.read(call.replies));
    } catch (error) {
      waiting.reject(call.id, error);
      // An answer to another question: nothing that comes after it can be trusted.
      if (error.code === 'KENWELL_CONNECTION') line.close(error);
    }
    if (spoiling) line.spoilt = true;
    if (line.spoilt && line.queue.length === 0) line.close(lost('it was replaced'));
    else if (this.left) this.pump();
  }

  /** A connection is closed; these calls were sent on it and not answered. */
  gone(line, reason, unanswered) {
    this.line = null;
    if (line.ready) this.previous = unanswered.length > 0 ? line.ticket : null;
    const again = [];
    for (const call of unanswered) {
      if (call.over) continue;
      if (!call.repeatable) waiting.reject(call.id, uncertain(reason));
      else if (call.repeated || !(reason.code === 'KENWELL_CONNECTION' && reason.retryable)) waiting.reject(call.id, reason);
      else again.push(call);
    }
    for (const call of again) {
      call.repeated = true;
      call.replies = [];
      call.sentAt = 0;
    }
    this.unsent.putFirst(again);
    // Whoever waited for a connection is told why there is none.
    if (!line.ready) for (const { id } of this.unsent.takeAll()) waiting.reject(id, reason);
    this.pump();
  }

  /** The time of a call is over: gives its error. */
  late(call) {
    call.over = true;
    const error = timeout(this.settings.commandTimeoutMs, this.line?.ready ? 'the call' : 'the call, connecting included,');
    const { line } = this;
    if (call.sentAt === 0) return error;
    // Silence since then: the others, too, would wait in vain.
    if (line !== null && line.heard < call.sentAt) line.close(lost('no answer came in time'));
    return call.repeatable ? error : uncertain(error);
  }
}

module.exports = { SocketConnection };
