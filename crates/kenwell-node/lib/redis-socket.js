// One socket to Redis, from dialling to its end. It is given up for good at the first sign of trouble.
'use strict';

const { Alarm, now, soon, unfaked } = require('./clock');
const { CommandWriter } = require('./command-writer');
const commands = require('./commands');
const { broken, open } = require('./dial');
const { lost, timeout } = require('./error');
const { Fifo } = require('./fifo');
const kind = require('./server-kind');
const { ErrorReply, Parser } = require('./resp');
const { SHORT_BYTES, replyLimits } = require('./reply-limits');

/** After so much silence the server is asked whether it is still there, before anything depends on it. */
const QUIET_MS = 1000;
/** How long it may take to say so; then another connection is opened. */
const PING_MS = 250;

/** A longer turn is cut, so that Redis begins with its first calls while JavaScript still makes the others. */
const MAX_GATHERED = 32;

class RedisSocket {
  /**
   * Tells `owner`: `socketOpened(socket)`, `sendUnsent()` when something can be sent, `answered(socket, call)`, and
   * `socketClosed(socket, reason, unanswered)` with the calls that have no answer. `previous` is an earlier connection that
   * must not do anything any more: `{ number, clientInfo }`, or null. Throws when the settings name a file that cannot be read.
   */
  constructor(owner, settings, previous, number) {
    this.owner = owner;
    /** Counts the connections of its owner, from one. */
    this.number = number;
    /** The number of a previous connection that Redis could not be made to forget. */
    this.unfenced = 0;
    this.settings = settings;
    this.previous = previous;
    /** What Redis calls this connection, if it told: `{ id, address }`. */
    this.clientInfo = null;
    this.connected = false;
    /** Logged in, so that calls can be sent. */
    this.ready = false;
    /** What was sent is still answered, but nothing more is sent. */
    this.draining = false;
    this.closed = false;
    /** It is given up before it was open, because another server takes its place. */
    this.superseded = false;
    this.pinging = false;
    /** What goes out at the end of this turn of the event loop. */
    this.outgoing = new CommandWriter();
    this.flush = () => this.write();
    /** How many calls that is. */
    this.gathered = 0;
    /** What was sent and not answered yet. */
    this.queue = new Fifo();
    this.parser = new Parser(() => this.replyLimit(), commands.valueOf);
    /** When something was last heard of Redis. */
    this.heardAt = now();
    this.limit = new Alarm(() => this.close(timeout(settings.connectTimeoutMs, 'connecting')));
    unfaked(() => this.open());
  }

  open() {
    const { settings } = this;
    this.socket = open(settings, (chunk) => this.receive(chunk));
    this.socket.on('error', (error) => this.close(this.refusal() ?? broken(error, this.connected)));
    this.socket.on('close', () => this.close(this.refusal() ?? lost('the server closed it')));
    this.socket.once(settings.tls ? 'trusted' : 'connect', () => this.login());
    this.limit.set(now() + settings.connectTimeoutMs);
  }

  login() {
    const { username, password, database } = this.settings;
    this.connected = true;
    const must = [];
    if (password !== null) must.push(['AUTH', ...(username === null ? [] : [username]), password]);
    if (database !== 0) must.push(['SELECT', String(database)]);
    // The server may still hold commands of an earlier connection, and would execute them after newer ones of this one.
    const { number = 0, clientInfo = null } = this.previous ?? {};
    const fence = clientInfo === null ? [] : [['CLIENT', 'KILL', 'ID', clientInfo.id, 'ADDR', clientInfo.address]];
    // Older servers do not know all of these, and a restricted user may not say all of them.
    const hello = this.settings.expected === undefined ? [] : [['HELLO', '2']];
    const may = [...fence, ...hello, ['CLIENT', 'SETINFO', 'LIB-NAME', 'kenwell'], ['CLIENT', 'INFO']];
    this.ask([...must, ...may], (replies) => {
      this.limit.clear();
      // A password that is not needed does no harm: whoever comes is the default user there.
      const refusal = replies.slice(0, must.length).find((reply) => reply instanceof ErrorReply && !reply.text.includes('without any password configured'));
      if (refusal) {
        this.close(commands.refused(refusal));
        return;
      }
      const problem = hello.length === 0 ? null : kind.problemOf(this.settings, replies[must.length + fence.length]);
      if (problem !== null) {
        this.close(problem);
        return;
      }
      if (fence.length === 0 || replies[must.length] instanceof ErrorReply) this.unfenced = number;
      this.clientInfo = clientInfoOf(replies[replies.length - 1]);
      this.ready = true;
      this.owner.socketOpened(this);
    });
  }

  /** What the server said when it did not want this connection; it says so at once, whatever it is asked. */
  refusal() {
    const said = this.ready ? undefined : this.queue.first?.replies[0];
    const isOne = said instanceof ErrorReply && (said.code === 'DENIED' || said.text.includes('max number of clients'));
    return isOne ? commands.refused(said) : null;
  }

  /**
   * Whether calls can be sent now. A connection that is given up answers first: what is sent on the next one must not be
   * executed before that.
   */
  isOpen() {
    return this.ready && !this.pinging && !this.draining;
  }

  isQuiet() {
    return this.queue.length === 0 && now() - this.heardAt > QUIET_MS;
  }

  /** A network that has forgotten the connection swallows what is sent: better a PING than a call. */
  ping() {
    this.pinging = true;
    this.limit.set(now() + PING_MS);
    this.ask([['PING']], () => {
      this.limit.clear();
      this.pinging = false;
      this.owner.sendUnsent();
    });
  }

  /** Sends what no caller has asked for. */
  ask(list, done) {
    this.send({ commands: list, replyLimits: replyLimits(list), replies: [], done });
  }

  /** The bytes that the reply which begins now may take. */
  replyLimit() {
    const { first } = this.queue;
    return first === undefined ? SHORT_BYTES : first.replyLimits[first.replies.length];
  }

  /** What is sent in one turn of the event loop goes out together, but for long turns. */
  send(call) {
    this.queue.push(call);
    if (this.outgoing.isEmpty()) soon(this.flush);
    for (const command of call.commands) this.outgoing.add(command);
    this.gathered += 1;
    if (this.gathered >= MAX_GATHERED) this.write();
  }

  write() {
    const { socket } = this;
    this.gathered = 0;
    const outgoing = this.outgoing.take();
    if (this.closed) return;
    unfaked(() => {
      if (outgoing.length > 1) socket.cork();
      for (const bytes of outgoing) socket.write(bytes);
      if (outgoing.length > 1) socket.uncork();
    });
  }

  receive(chunk) {
    this.heardAt = now();
    try {
      this.parser.push(chunk, (reply) => this.answer(reply));
    } catch (error) {
      this.close(lost(error.message));
    }
  }

  answer(reply) {
    if (this.closed) return;
    const { first } = this.queue;
    if (first === undefined) {
      // Nothing was asked: the server refuses the connection as such.
      this.close(reply instanceof ErrorReply ? commands.refused(reply) : lost('an answer to nothing came'));
      return;
    }
    first.replies.push(reply);
    if (first.replies.length < first.replyLimits.length) return;
    this.queue.shift();
    if (first.done) first.done(first.replies);
    else this.owner.answered(this, first);
  }

  close(why) {
    if (this.closed) return;
    const reason = this.ready ? why : kind.explained(why, this.settings);
    this.closed = true;
    this.limit.clear();
    const unanswered = this.queue.takeAll().filter(({ done }) => done === undefined);
    unfaked(() => this.drop(unanswered));
    this.owner.socketClosed(this, reason, unanswered);
  }

  /** What the operating system has not sent yet must never arrive: it may be sent again on another connection. */
  drop(unanswered) {
    const { socket } = this;
    if (unanswered.length > 0 && !this.settings.tls && !this.settings.address.startsWith('unix:') && typeof socket.resetAndDestroy === 'function') socket.resetAndDestroy();
    else socket.destroy();
  }
}

/** Reads the answer to CLIENT INFO. */
function clientInfoOf(reply) {
  if (!(reply instanceof commands.Value)) return null;
  const text = String(reply.content);
  const [, id] = /(?:^| )id=(\d+)/.exec(text) ?? [];
  const [, address] = /(?:^| )addr=(\S+)/.exec(text) ?? [];
  return id === undefined || address === undefined ? null : { id, address };
}

module.exports = { RedisSocket };
