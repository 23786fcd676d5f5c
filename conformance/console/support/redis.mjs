// Real redis-servers, each on a port of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, output, start, stop } from './children.mjs';

/** A redis-server child. `options`: further words of its command line; `client`: words with which redis-cli reaches it. */
export class Redis {
  #child = null;
  #directory;
  #options;
  #client;

  constructor(directory, { options = [], client = [] } = {}) {
    this.#directory = directory;
    this.#options = options;
    this.#client = client;
  }

  get isUp() {
    return this.#child !== null;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it; a second start takes the same port and data. */
  async start() {
    mkdirSync(this.#directory, { recursive: true });
    this.port ??= await freePort();
    const isTls = this.#options.includes('--tls-cert-file');
    this.#child = start('redis-server', [
      ...(isTls ? ['--port', '0', '--tls-port', String(this.port)] : ['--port', String(this.port)]),
      '--bind', '127.0.0.1', '--dir', this.#directory, '--appendonly', 'yes', '--save', '', ...this.#options,
    ], join(this.#directory, 'redis.log'));
    await eventually(`an answer of redis-server (see ${this.#directory}/redis.log)`, async () => {
      try {
        return (await this.command('PING')).trim() === 'PONG';
      } catch {
        return false;
      }
    });
    return this;
  }

  async stop() {
    if (this.#child) await stop(this.#child);
    this.#child = null;
  }

  /** One command, as redis-cli prints its answer. */
  command(...words) {
    return output('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), '-e', '--no-auth-warning', ...this.#client, ...words]);
  }

  /** A hash as an object. */
  async hash(key) {
    const lines = (await this.command('HGETALL', key)).trimEnd().split('\n');
    const fields = {};
    for (let place = 0; place + 1 < lines.length; place += 2) fields[lines[place]] = lines[place + 1];
    return fields;
  }
}

/** A certificate authority and a certificate of a server, made for the run. */
export async function certificates(directory, name) {
  mkdirSync(directory, { recursive: true });
  const file = (base) => join(directory, base);
  const openssl = (...words) => output('openssl', words, { stdio: 'pipe' });
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=Test authority',
    '-keyout', file('ca.key'), '-out', file('ca.pem'));
  await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
    '-keyout', file('server.key'), '-out', file('server.csr'), '-addext', `subjectAltName=DNS:${name}`);
  await openssl('x509', '-req', '-in', file('server.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial',
    '-days', '2', '-copy_extensions', 'copy', '-out', file('server.pem'));
  return { ca: file('ca.pem'), certificate: file('server.pem'), key: file('server.key') };
}
