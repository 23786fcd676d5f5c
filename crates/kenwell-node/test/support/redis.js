// A real redis-server for a test, on a port of its own, and a plain connection to look into it.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

const { freePort } = require('../../../../tools/ports');
const { encode } = require('../../lib/command-writer');
const { ErrorReply, Parser } = require('../../lib/resp');

/** How long something may take that must happen, on a machine that is busy with much else. */
const PATIENCE_MS = 120_000;

/** The programs that run for tests. */
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** No test leaves a program behind, whatever becomes of it. */
function endsWithUs(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

class Redis {
  /** Starts a server with these extra arguments, and waits until it answers. */
  static async start(args = [], { port } = {}) {
    const redis = new Redis();
    redis.port = port;
    redis.args = args;
    await redis.begin();
    return redis;
  }

  async begin() {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-node-'));
    this.port ??= await freePort();
    await this.restart();
  }

  /** Starts it again on the same port. */
  async restart() {
    const child = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.directory, ...(this.args ?? [])], { stdio: 'ignore' });
    this.child = child;
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', () => reject(new Error('redis-server is missing. Install it: apt-get install redis-server | brew install redis')));
    });
    endsWithUs(child);
    const answers = async () => {
      const client = await Client.connect(this.port);
      const reply = await client.ask('PING');
      client.close();
      return reply === 'PONG' || reply instanceof ErrorReply;
    };
    await until(() => child.exitCode !== null || answers());
    // Then somebody else's server has answered, or none.
    if (child.exitCode !== null) throw new Error(`redis-server ended with status ${child.exitCode}; it was to use port ${this.port}`);
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** One command from another client. */
  async ask(...command) {
    const client = await Client.connect(this.port);
    try {
      const reply = await client.ask(...command);
      if (reply instanceof ErrorReply) throw new Error(`${reply.code} ${reply.text}`);
      return text(reply);
    } finally {
      client.close();
    }
  }

  /** How many connections there are besides the one that asks. */
  async clients() {
    return (await this.ask('CLIENT', 'LIST', 'TYPE', 'normal')).trim().split('\n').length - 1;
  }

  /** Waits until its replica has what is stored now. */
  async replicated() {
    const offsetIn = async (field) => Number(field.exec(await this.ask('INFO', 'replication'))?.[1]);
    const stored = await offsetIn(/^master_repl_offset:(\d+)/m);
    await until(async () => (await offsetIn(/^slave0:.*,offset=(\d+)/m)) >= stored);
  }

  async kill() {
    const { child } = this;
    this.child = null;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop() {
    await this.kill();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

class Client {
  static connect(port) {
    return new Promise((resolve, reject) => {
      const client = new Client();
      client.waiting = [];
      const parser = new Parser();
      client.socket = net.connect({ port, host: '127.0.0.1' }, () => resolve(client));
      client.socket.on('data', (chunk) => parser.push(chunk, (reply) => client.waiting.shift().resolve(reply)));
      client.socket.on('error', reject);
      client.socket.on('close', () => client.waiting.forEach(({ reject: fail }) => fail(new Error('closed'))));
    });
  }

  ask(...command) {
    this.socket.write(encode([command.map((part) => (part instanceof Uint8Array ? part : String(part)))]));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  close() {
    this.socket.destroy();
  }
}

function text(reply) {
  if (Array.isArray(reply)) return reply.map(text);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}

/** Asks again and again until the answer is true; fails after a while with the last error. */
async function until(question) {
  const deadline = Date.now() + PATIENCE_MS;
  let last;
  while (Date.now() < deadline) {
    try {
      if (await question()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it did not become true within ${PATIENCE_MS} ms`, { cause: last });
}

module.exports = { PATIENCE_MS, Redis, Client, endsWithUs, freePort, until };
