// The connection to one Redis, in JavaScript alone: one socket. A standalone server, one of the nodes of a cluster
// (cluster-connection.js), or whichever server Sentinels call the master (sentinel-connection.js).
'use strict';

const { Call } = require('./call');
const { now } = require('./clock');
const { lost, overtaken, timeout, unsettled } = require('./error');
const { Fifo } = require('./fifo');
const { LostChanges } = require('./lost-changes');
const pending = require('./pending-calls');
const { RedisCalls } = require('./redis-calls');
const { RedisSocket } = require('./redis-socket');
const { ErrorReply } = require('./resp');
const { scan } = require('./scan');

/** Errors after which a new connection may do better: after a failover, or when the password was changed. */
const DRAINING = new Set(['READONLY', 'NOAUTH', 'WRONGPASS', 'MASTERDOWN']);

const isDraining = (reply) => reply instanceof ErrorReply && DRAINING.has(reply.code);

/** The most servers that are remembered: with Sentinels there are several in the course of time. */
const MAX_SERVERS = 64;

class JavaScriptConnection extends RedisCalls {
  constructor(settings) {
    super();
    this.settings = settings;
    /** The `RedisSocket` that is open, or is being opened. */
    this.socket = null;
    /** What is to be sent, or to be sent again, in the order in which it was begun. */
    this.unsent = new Fifo();
    /** From an address to what is left there of connections that were given up. */
    this.servers = new Map();
    this.lostChanges = new LostChanges();
    /** How many connections were opened, or were to be. */
    this.dialled = 0;
    this.closing = false;
  }

  /** A page of the keys that begin with `prefix`: `{ cursor, keys }`, where a cursor of '0' says that it is the last one. */
  scan(cursor, prefix, count, end) {
    return this.ask(scan(cursor, prefix, count), null, true, end);
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
    if (this.closing && socket.queue.length === 0) socket.close(lost('it is not needed any more'));
  }

  sendNow(call) {
    const { socket } = this;
    call.sentAt = now();
    call.isUnsettled = this.lostChanges.keys.size > 0 && call.changes !== null && this.lostChanges.mayFollow(call.keys(), socket.number, this.serverAt(socket.settings.address));
    socket.send(call);
  }

  /** Begins to open a connection: `open` is called, or `failUnsent`, now or later. */
  dial() {
    this.open(this.settings);
  }

  open(settings) {
    try {
      this.dialled += 1;
      this.socket = new RedisSocket(this, settings, this.serverAt(settings.address).previous, this.dialled);
    } catch (error) {
      this.failUnsent(error);
    }
  }

  /** Whoever waits for a connection is told why there is none. */
  failUnsent(error) {
    for (const call of this.unsent.takeAll()) call.fail(error);
  }

  /**
   * `previous` is the last connection to this server on which something was left without an answer: its number, and what
   * Redis calls it. Up to the number `unfenced` the server could not be made to forget connections.
   */
  serverAt(address) {
    const known = this.servers.get(address);
    if (known !== undefined) return known;
    if (this.servers.size >= MAX_SERVERS) this.servers.clear();
    const server = { previous: null, unfenced: 0 };
    this.servers.set(address, server);
    return server;
  }

  /** All replies to a call have come. */
  answered(socket, call) {
    const drains = call.replies.some(isDraining);
    try {
      const answer = call.read(call.replies);
      if (call.isUnsettled) throw unsettled();
      call.succeed(answer);
    } catch (error) {
      // An answer to another question: nothing that comes after it can be trusted.
      const isOdd = error.code === 'KENWELL_CONNECTION';
      call.fail(isOdd && !call.repeatable ? call.notAgain(error) : this.refusal(error));
      if (isOdd) socket.close(error);
    }
    if (drains) socket.draining = true;
    if (socket.draining && socket.queue.length === 0) socket.close(lost('it was replaced'));
    else if (this.closing) this.sendUnsent();
  }

  /** The error of a call whose answer was read. */
  refusal(error) {
    return error;
  }

  socketOpened(socket) {
    if (socket.unfenced > 0) this.serverAt(socket.settings.address).unfenced = socket.unfenced;
    this.sendUnsent();
  }

  /** A connection is closed; these calls were sent on it and not answered. */
  socketClosed(socket, reason, unanswered) {
    this.socket = null;
    const server = this.serverAt(socket.settings.address);
    if (socket.ready) server.previous = unanswered.length > 0 ? { number: socket.number, clientInfo: socket.clientInfo } : null;
    const again = [];
    /** The keys that newer calls change which are not sent again: what is repeated behind them would undo them. */
    const passed = new Set();
    for (const call of unanswered.reverse()) {
      const keys = call.keys().map(String);
      this.lostChanges.note(keys, socket.number, server);
      const error = whyNotAgain(call, keys, passed, reason);
      if (error === null) again.push(call);
      else {
        for (const key of keys) passed.add(key);
        if (!call.over) call.fail(error);
      }
    }
    again.reverse();
    for (const call of again) {
      call.repeated = true;
      call.replies = [];
      call.sentAt = 0;
    }
    this.unsent.putFirst(again);
    if (!socket.ready && !socket.superseded) this.failUnsent(reason);
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
    return call.repeatable ? error : call.notAgain(error);
  }
}

/** Why a call is not sent again that was lost for this reason; null when it is. */
function whyNotAgain(call, keys, passed, reason) {
  if (!call.repeatable) return call.notAgain(reason);
  if (call.over || call.repeated || reason.code !== 'KENWELL_CONNECTION') return reason;
  return keys.some((key) => passed.has(key)) ? overtaken(reason) : null;
}

module.exports = { JavaScriptConnection };
