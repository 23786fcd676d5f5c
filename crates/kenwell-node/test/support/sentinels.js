// A master, a replica, and three real Sentinels that watch them.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { Client, PATIENCE_MS, Redis, endsWithUs, freePort, until } = require('./redis');

/** How often Sentinels look and tell, in milliseconds. One that was held up itself would do nothing for half a minute (`tilt`). */
const PERIODS = ['info-period', 1000, 'ping-period', 200, 'ask-period', 200, 'publish-period', 500, 'tilt-trigger', 60_000];
/** A master that is only slow is not taken for lost. */
const PATIENT_MS = 600_000;

class Sentinels {
  /**
   * `lines` are further ones of the Sentinels' configuration, with the master's name in them as `mymaster`; `tls` has the
   * files of an authority and of a certificate: then all speak TLS with each other.
   */
  static async start(lines = [], tls = null) {
    const all = new Sentinels();
    all.tls = tls;
    const port = await freePort();
    all.master = await Redis.start(all.argumentsOf(port));
    all.port = tls === null ? all.master.port : port;
    const replica = await freePort();
    all.replica = await Redis.start([...all.argumentsOf(replica), '--replicaof', '127.0.0.1', String(all.port)]);
    await until(async () => (await all.replica.ask('INFO', 'replication')).includes('master_link_status:up'));
    all.sentinels = await Promise.all([0, 1, 2].map(() => all.startSentinel(lines)));
    // They look around more often than every ten seconds. One that does not know this yet is a little slower.
    await until(async () => (await all.askAll('SENTINEL', 'DEBUG', ...PERIODS)).length === 3);
    await until(async () => {
      const known = await Promise.all(all.sentinels.map(({ port: at }) => ask(at, 'SENTINEL', 'MASTER', 'mymaster')));
      return known.every((fields) => fieldOf(fields, 'num-slaves') === '1' && fieldOf(fields, 'num-other-sentinels') === '2');
    });
    return all;
  }

  /** Arguments of a server that speaks TLS at this port, if it shall. */
  argumentsOf(port) {
    const quickly = ['--repl-diskless-sync-delay', '0'];
    if (this.tls === null) return quickly;
    const { ca, cert, key } = this.tls;
    return [...quickly, '--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca, '--tls-auth-clients', 'no', '--tls-replication', 'yes'];
  }

  async startSentinel(lines) {
    const port = await freePort();
    const directory = fs.mkdtempSync(path.join(this.master.directory, 'sentinel-'));
    const file = path.join(directory, 'sentinel.conf');
    const settings = [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, `sentinel monitor mymaster 127.0.0.1 ${this.port} 2`, `sentinel down-after-milliseconds mymaster ${PATIENT_MS}`, 'sentinel failover-timeout mymaster 3000'];
    const tlsPort = this.tls === null ? null : await freePort();
    if (tlsPort !== null) settings.push(`tls-port ${tlsPort}`, 'tls-replication yes', 'tls-auth-clients no', `tls-cert-file ${this.tls.cert}`, `tls-key-file ${this.tls.key}`, `tls-ca-cert-file ${this.tls.ca}`);
    fs.writeFileSync(file, [...settings, ...lines, ''].join('\n'));
    const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    endsWithUs(child);
    return { child, port, tlsPort };
  }

  /** The addresses of the Sentinels. */
  get nodes() {
    return this.sentinels.map(({ port, tlsPort }) => `127.0.0.1:${tlsPort ?? port}`);
  }

  /** What a store needs to know of them. */
  get options() {
    return { connectionString: 'redis://unused', sentinel: { master: 'mymaster', nodes: this.nodes }, connectTimeoutMs: 10_000, commandTimeoutMs: 10_000 };
  }

  /** The same for tests in which nobody is to be given up, however busy the machine is. */
  get patientOptions() {
    return { ...this.options, connectTimeoutMs: PATIENCE_MS, commandTimeoutMs: PATIENCE_MS };
  }

  /** One command at each Sentinel that a test has not killed. */
  askAll(...command) {
    return Promise.all(this.sentinels.filter(({ child }) => !child.killed).map(({ port }) => ask(port, ...command)));
  }

  /** Waits until the replica has taken the place of the master, which a test has just lost. */
  async switched() {
    const after = (ms) => this.askAll('SENTINEL', 'SET', 'mymaster', 'down-after-milliseconds', ms);
    await after(700);
    await until(async () => (await this.replica.ask('INFO', 'replication')).includes('role:master'));
    await after(PATIENT_MS);
  }

  async stop() {
    for (const { child } of this.sentinels) child.kill('SIGKILL');
    await Promise.all([this.replica.stop(), this.master.stop()]);
  }
}

async function ask(port, ...command) {
  const client = await Client.connect(port);
  try {
    return await client.ask(...command);
  } finally {
    client.close();
  }
}

/** A field of a list of names and values in turns. */
function fieldOf(fields, name) {
  const texts = fields.map(String);
  return texts[texts.indexOf(name) + 1];
}

module.exports = { Sentinels };
