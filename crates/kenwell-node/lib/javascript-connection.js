// The connection to a standalone Redis, in JavaScript alone: one server, one socket. It knows neither Cluster nor Sentinel:
// these need the native part.
'use strict';

const { now } = require('./clock');
const commands = require('./commands');
const { KenwellError, lost, overtaken, timeout, uncertain, unsettled } = require('./error');
const { Fifo } = require('./fifo');
const { LostChanges } = require('./lost-changes');
const pending = require('./pending-calls');
const { RedisSocket } = require('./redis-socket');
const { ErrorReply } = require('./resp');

/** Errors after which a new connection may do better: after a failover, or when the password was changed. */
const DRAINING = new Set(['READONLY', 'NOAUTH', 'WRONGPASS', 'MASTERDOWN']);

const isDraining = (reply) => reply instanceof ErrorReply && DRAINING.has(reply.code);

/** One call: its commands, and what has come of the answer. */
class Call {
  constructor(connection, { commands: list, replyLimits, read }, changes, repeatable, end) {
    this.connection = connection;
    this.commands = list;
    this.replyLimits = replyLimits;
    this.read = read;
    /** The writes or keys that it changes; null when it only reads. */
    this.changes = changes;
    this.repeatable = repeatable;
    this.end = end;
    this.bytes = bytesOf(list);
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
}

/** The keys of writes, or of what are keys. */
const keysOf = (changes) => changes.map((change) => change.key ?? change);

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
    /** The last connection on which something was left without an answer: its number, and what Redis calls it. */
    this.previous = null;
    this.lostChanges = new LostChanges();
    /** How many connections were opened, or were to be. */
    this.dialled = 0;
    this.closing = false;
  }

  fetch(keys, refresh, profileKey, end) {
    return this.ask(commands.fetch(keys, refresh, profileKey), refresh ? keys : null, true, end);
  }

  store(writes, end) {
    return this.ask(commands.store(writes), writes, true, end);
  }

  storeUnchanged(expected, writes, end) {
    return this.ask(commands.storeUnchanged(expected, writes), writes, false, end);
  }

  remove(keys, end) {
    return this.ask(commands.remove(keys), keys, true, end);
  }

  /** Calls that wait are still answered. */
  close() {
    this.closing = true;
    this.sendUnsent();
  }

  /** Sends, and reads every reply. What may be executed twice is sent again, once, when the connection was lost. */
  ask(question, changes, repeatable, end) {
    return pending.call(new Call(this, question, changes, repeatable, end));
  }

  send(call) {
    const { socket } = this;
    // As usual: nothing has to happen before, and nothing waits.
    if (socket !== null && this.unsent.length === 0 && socket.isOpen() && !socket.isQuiet()) {
      this.sendNow(call);
      return;
    }
    this.unsent.push(call);
    this.sendUnsent();
  }

  /** Sends what is to be sent, unless something else has to happen first. */
  sendUnsent() {
    if (this.unsent.length === 0) {
      if (this.closing && this.socket?.queue.length === 0) this.socket.close(lost('it is not needed any more'));
      return;
    }
    if (this.socket === null) this.dial();
    const { socket } = this;
    if (socket === null || !socket.isOpen()) return;
    if (socket.isQuiet()) {
      socket.ping();
      return;
    }
    for (const call of this.unsent.takeAll()) {
      if (!call.over) this.sendNow(call);
    }
  }

  sendNow(call) {
    const { socket } = this;
    call.sentAt = now();
    call.isUnsettled = this.lostChanges.keys.size > 0 && call.changes !== null && this.lostChanges.mayFollow(keysOf(call.changes), socket.number);
    socket.send(call);
  }

  dial() {
    try {
      this.dialled += 1;
      this.socket = new RedisSocket(this, this.settings, this.previous, this.dialled);
    } catch (error) {
      for (const { id } of this.unsent.takeAll()) pending.reject(id, error);
    }
  }

  /** All replies to a call have come. */
  answered(socket, call) {
    const drains = call.replies.some(isDraining);
    try {
      const answer = call.read(call.replies);
      if (call.isUnsettled) throw unsettled();
      pending.resolve(call.id, answer);
    } catch (error) {
      pending.reject(call.id, error);
      // An answer to another question: nothing that comes after it can be trusted.
      if (error.code === 'KENWELL_CONNECTION') socket.close(error);
    }
    if (drains) socket.draining = true;
    if (socket.draining && socket.queue.length === 0) socket.close(lost('it was replaced'));
    else if (this.closing) this.sendUnsent();
  }

  socketOpened(socket) {
    if (socket.unfenced > 0) this.lostChanges.unfenced = socket.unfenced;
    this.sendUnsent();
  }

  /** A connection is closed; these calls were sent on it and not answered. */
  socketClosed(socket, reason, unanswered) {
    this.socket = null;
    if (socket.ready) this.previous = unanswered.length > 0 ? { number: socket.number, clientInfo: socket.clientInfo } : null;
    const again = [];
    /** The keys that newer calls change which are not sent again: what is repeated behind them would undo them. */
    const passed = new Set();
    for (const call of unanswered.reverse()) {
      const keys = call.changes === null ? [] : keysOf(call.changes).map(String);
      this.lostChanges.note(keys, socket.number);
      const error = whyNotAgain(call, keys, passed, reason);
      if (error === null) again.push(call);
      else {
        for (const key of keys) passed.add(key);
        if (!call.over) pending.reject(call.id, error);
      }
    }
    again.reverse();
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

/** Why a call is not sent again that was lost for this reason; null when it is. */
function whyNotAgain(call, keys, passed, reason) {
  if (!call.repeatable) return uncertain(reason);
  if (call.over || call.repeated || reason.code !== 'KENWELL_CONNECTION' || !reason.retryable) return reason;
  return keys.some((key) => passed.has(key)) ? overtaken(reason) : null;
}

module.exports = { JavaScriptConnection };
