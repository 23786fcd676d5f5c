// The connection to Redis in JavaScript alone: one server, one socket. It takes over where the native part cannot be
// loaded, as in a bundle or on another platform; it knows neither Cluster nor Sentinel.
'use strict';

const { now } = require('./clock');
const commands = require('./commands');
const { KenwellError, lost, timeout, uncertain } = require('./error');
const { Fifo } = require('./fifo');
const pending = require('./pending-calls');
const { RedisSocket } = require('./redis-socket');
const { replyLimits } = require('./reply-limits');
const { ErrorReply, encode } = require('./resp');

/** Errors after which a new connection may do better: after a failover, or when the password was changed. */
const DRAINING = new Set(['READONLY', 'NOAUTH', 'WRONGPASS', 'MASTERDOWN']);

/** One call: its commands as bytes, and what has come of the answer. */
class Call {
  constructor({ commands: list, read }, repeatable) {
    this.bytes = encode(list);
    this.replyLimits = replyLimits(list);
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

class JavaScriptConnection {
  constructor(settings) {
    if (settings.cluster || settings.sentinel) {
      throw new KenwellError('KENWELL_NATIVE', 'Redis Cluster and Sentinel need the native part of @kenwell/redis, which could not be loaded here');
    }
    this.settings = settings;
    /** The `RedisSocket` that is open, or is being opened. */
    this.socket = null;
    /** What is to be sent, or to be sent again, in the order in which it was begun. */
    this.unsent = new Fifo();
    /** What Redis calls the last connection on which something was left without an answer. */
    this.previous = null;
    this.closing = false;
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
    this.closing = true;
    this.sendUnsent();
  }

  /** Sends, and reads every reply. What may be executed twice is sent again, once, when the connection was lost. */
  ask(question, repeatable, end) {
    const call = new Call(question, repeatable);
    const send = (id) => {
      call.id = id;
      this.unsent.push(call);
      this.sendUnsent();
    };
    return pending.call(send, call.bytes.length, end, () => this.late(call));
  }

  /** Sends what is to be sent, unless something else has to happen first. */
  sendUnsent() {
    if (this.unsent.length === 0) {
      if (this.closing && this.socket?.queue.length === 0) this.socket.close(lost('it is not needed any more'));
      return;
    }
    if (this.socket === null) this.dial();
    const { socket } = this;
    if (socket === null || !socket.ready || socket.pinging) return;
    // A connection that is given up answers first: what is sent on the next one must not be executed before that.
    if (socket.draining) return;
    if (socket.isQuiet()) {
      socket.ping();
      return;
    }
    for (const call of this.unsent.takeAll()) {
      if (call.over) continue;
      call.sentAt = now();
      socket.send(call);
    }
  }

  dial() {
    try {
      this.socket = new RedisSocket(this, this.settings, this.previous);
    } catch (error) {
      for (const { id } of this.unsent.takeAll()) pending.reject(id, error);
    }
  }

  /** All replies to a call have come. */
  answered(socket, call) {
    const drains = call.replies.some((reply) => reply instanceof ErrorReply && DRAINING.has(reply.code));
    try {
      pending.resolve(call.id, call.read(call.replies));
    } catch (error) {
      pending.reject(call.id, error);
      // An answer to another question: nothing that comes after it can be trusted.
      if (error.code === 'KENWELL_CONNECTION') socket.close(error);
    }
    if (drains) socket.draining = true;
    if (socket.draining && socket.queue.length === 0) socket.close(lost('it was replaced'));
    else if (this.closing) this.sendUnsent();
  }

  /** A connection is closed; these calls were sent on it and not answered. */
  socketClosed(socket, reason, unanswered) {
    this.socket = null;
    if (socket.ready) this.previous = unanswered.length > 0 ? socket.clientInfo : null;
    const again = [];
    for (const call of unanswered) {
      if (call.over) continue;
      if (!call.repeatable) pending.reject(call.id, uncertain(reason));
      else if (call.repeated || !(reason.code === 'KENWELL_CONNECTION' && reason.retryable)) pending.reject(call.id, reason);
      else again.push(call);
    }
    for (const call of again) {
      call.repeated = true;
      call.replies = [];
      call.sentAt = 0;
    }
    this.unsent.putFirst(again);
    // Whoever waited for a connection is told why there is none.
    if (!socket.ready) for (const { id } of this.unsent.takeAll()) pending.reject(id, reason);
    this.sendUnsent();
  }

  /** The time of a call is over: gives its error. */
  late(call) {
    call.over = true;
    const error = timeout(this.settings.commandTimeoutMs, this.socket?.ready ? 'the call' : 'the call, connecting included,');
    const { socket } = this;
    if (call.sentAt === 0) return error;
    // Silence since then: the others, too, would wait in vain.
    if (socket !== null && socket.heardAt < call.sentAt) socket.close(lost('no answer came in time'));
    return call.repeatable ? error : uncertain(error);
  }
}

module.exports = { JavaScriptConnection };
