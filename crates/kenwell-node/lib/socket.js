// The connection to Redis in JavaScript alone: one server, one socket. It takes over where the native part cannot be
// loaded, as in a bundle or on another platform; it knows neither Cluster nor Sentinel.
'use strict';

const fs = require('fs');
const net = require('net');
const tls = require('tls');

const commands = require('./commands');
const { KenwellError } = require('./error');
const { Fifo } = require('./fifo');
const { Parser, Refusal, encode } = require('./resp');
const { Waiting } = require('./waiting');

/** Refusals after which a new connection may fare better: a failover, or a password that was changed. */
const SPOILING = new Set(['READONLY', 'NOAUTH', 'WRONGPASS', 'MASTERDOWN']);

class SocketConnection {
  constructor(settings) {
    if (settings.cluster || settings.sentinel) {
      throw new KenwellError('KENWELL_NATIVE', 'Redis Cluster and Sentinel need the native part of @kenwell/redis, which could not be loaded here');
    }
    this.settings = settings;
    this.waiting = new Waiting();
    this.line = null;
    this.left = false;
  }

  fetch(keys, refresh, profileKey) {
    return this.ask(commands.fetch(keys, refresh, profileKey), true);
  }

  store(writes) {
    return this.ask(commands.store(writes), true);
  }

  storeUnchanged(expected, writes) {
    return this.ask(commands.storeUnchanged(expected, writes), false);
  }

  remove(keys) {
    return this.ask(commands.remove(keys), true);
  }

  /** Calls that wait are still answered. */
  close() {
    this.left = true;
    this.leaveWhenIdle();
  }

  leaveWhenIdle() {
    if (this.left && this.waiting.calls.size === 0) this.line?.retire();
  }

  /** Sends, and reads every reply. What may be executed twice is sent again, once, when the connection was lost. */
  ask(question, repeatable) {
    const bytes = encode(question.commands);
    return this.waiting.call((id) => {
      this.exchange(bytes, question, repeatable)
        .then(
          (answer) => this.waiting.resolve(id, answer),
          (error) => this.waiting.reject(id, error),
        )
        .then(() => this.leaveWhenIdle());
    }, bytes.length);
  }

  async exchange(bytes, { commands: { length }, read }, repeatable) {
    try {
      return read(await this.send(bytes, length));
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      const { reason } = error;
      if (!repeatable) throw uncertain(reason);
      if (reason.code !== 'KENWELL_CONNECTION') throw reason;
    }
    try {
      return read(await this.send(bytes, length));
    } catch (error) {
      throw error instanceof Unanswered ? error.reason : error;
    }
  }

  async send(bytes, count) {
    if (this.line === null || this.line.closed) this.line = new Line(this.settings);
    const { line } = this;
    await line.ready;
    return line.send(bytes, count, this.settings.commandTimeoutMs);
  }
}

/** What was sent and not answered: nobody knows whether it was executed. */
class Unanswered {
  constructor(reason) {
    this.reason = reason;
  }
}

/** One open socket; it is left for good at the first sign of trouble. */
class Line {
  constructor(settings) {
    this.connected = false;
    /** Not to be used for further calls. */
    this.closed = false;
    /** Closed, but with answers that are still to come. */
    this.retired = false;
    this.queue = new Fifo();
    this.parser = new Parser();
    this.socket = open(settings);
    this.socket.unref(); // what waits for an answer keeps the process alive, an idle connection does not
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('error', (error) => this.close(broken(error, this.connected)));
    this.socket.on('close', () => this.close(lost('the server closed it')));
    this.ready = this.login(settings);
    this.ready.catch(() => {}); // whoever waits for it is told
  }

  async login({ username, password, database, tls: secure, connectTimeoutMs }) {
    const limit = setTimeout(() => this.close(timeout('connecting', connectTimeoutMs)), connectTimeoutMs);
    try {
      await new Promise((resolve, reject) => {
        this.giveUp = reject;
        this.socket.once(secure ? 'secureConnect' : 'connect', resolve);
      });
      this.connected = true;
      const said = [];
      if (password !== null) said.push(['AUTH', ...(username === null ? [] : [username]), password]);
      if (database !== 0) said.push(['SELECT', String(database)]);
      said.push(['CLIENT', 'SETINFO', 'LIB-NAME', 'kenwell']);
      const replies = await this.send(encode(said), said.length, connectTimeoutMs);
      // The last one is a greeting, which servers before 7.2 do not know.
      const refusal = replies.slice(0, -1).find((reply) => reply instanceof Refusal);
      if (refusal) throw commands.refused(refusal);
    } catch (error) {
      const reason = error instanceof Unanswered ? error.reason : error; // nothing of the caller's was sent
      this.close(reason);
      throw reason;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Writes, and waits for so many replies. Writes of one turn of the event loop go out together. */
  send(bytes, count, limit) {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(this.reason);
      if (!this.corked) {
        this.corked = true;
        this.socket.cork();
        process.nextTick(() => {
          this.corked = false;
          this.socket.uncork();
        });
      }
      const timer = setTimeout(() => this.close(timeout('Redis', limit)), limit);
      this.queue.push({ count, replies: [], resolve, reject, timer });
      this.socket.write(bytes);
    });
  }

  receive(chunk) {
    try {
      this.parser.push(chunk, (reply) => this.answer(reply));
    } catch (error) {
      this.close(lost(error.message));
    }
  }

  answer(reply) {
    const { first } = this.queue;
    if (first === undefined) {
      // Said without being asked: the server refuses the connection as such.
      return this.close(reply instanceof Refusal ? commands.refused(reply) : lost('an answer to nothing came'));
    }
    first.replies.push(reply);
    if (first.replies.length < first.count) return undefined;
    this.queue.shift();
    clearTimeout(first.timer);
    first.resolve(first.replies);
    if (this.retired || first.replies.some((given) => given instanceof Refusal && SPOILING.has(given.code))) this.retire();
    return undefined;
  }

  /** Lets the next call open another connection, while this one still gets its answers. */
  retire() {
    this.closed = true;
    this.retired = true;
    this.reason = lost('it was replaced');
    if (this.connected && this.queue.length === 0) this.socket.destroy();
  }

  close(reason) {
    this.closed = true;
    this.reason = reason;
    this.socket.destroy();
    this.giveUp?.(reason);
    for (const { reject, timer } of this.queue.takeAll()) {
      clearTimeout(timer);
      reject(new Unanswered(reason));
    }
  }
}

function open({ address, tls: secure }) {
  const place = address.startsWith('unix:') ? { path: address.slice('unix:'.length) } : hostAndPort(address);
  if (!secure) return net.connect(place);
  const { ca, cert, key, serverName, skipVerify } = secure;
  const name = serverName || place.host;
  return tls.connect({
    ...place,
    ca: pem(ca),
    cert: pem(cert),
    key: pem(key),
    rejectUnauthorized: !skipVerify,
    servername: name && !net.isIP(name) ? name : '',
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
  });
}

function hostAndPort(address) {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}

/** PEM text as it is, anything else is the path of a PEM file. */
function pem(given) {
  if (given === null) return undefined;
  if (given.includes('-----BEGIN')) return given;
  try {
    return fs.readFileSync(given);
  } catch (error) {
    throw new KenwellError('KENWELL_SETTINGS', `a file that tls names cannot be read: ${error.code}`, { systemCode: error.code });
  }
}

function broken(error, connected) {
  if (connected) return lost(error.code || 'it broke');
  const handshake = typeof error.code === 'string' && /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_|DEPTH_|SELF_SIGNED)/.test(error.code);
  const code = handshake ? 'KENWELL_TLS' : 'KENWELL_CONNECTION';
  return new KenwellError(code, `cannot connect to Redis: ${error.code || error.message}`, { systemCode: error.code, retryable: !handshake });
}

function lost(why) {
  return new KenwellError('KENWELL_CONNECTION', `the connection to Redis was lost: ${why}`, { retryable: true });
}

function timeout(what, limit) {
  return new KenwellError('KENWELL_TIMEOUT', `${what} took longer than ${limit} ms`, { retryable: true });
}

function uncertain(error) {
  return new KenwellError('KENWELL_UNCERTAIN', `whether this was saved is not known, load again to see: ${error.message}`);
}

module.exports = { SocketConnection };
