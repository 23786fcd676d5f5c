// A real kenwell with a configuration of its own.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, start, stop } from './children.mjs';

/** A kenwell child. Its configuration is a file that tests may edit while it runs. */
export class Kenwell {
  #child = null;
  #directory;

  constructor(directory) {
    this.#directory = directory;
    this.configFile = join(directory, 'kenwell.toml');
    this.log = join(directory, 'kenwell.log');
  }

  /** Writes the configuration, with `rest` below the listeners, and starts. */
  async start(rest = '') {
    mkdirSync(this.#directory, { recursive: true });
    const [gateway, plane] = [await freePort(), await freePort()];
    this.url = `http://127.0.0.1:${gateway}`;
    this.privateUrl = `http://127.0.0.1:${plane}`;
    writeFileSync(this.configFile, `# Written by hand; the console keeps this line.
data_dir = "data"

[gateway]
listen = "127.0.0.1:${gateway}"

[private]
listen = "127.0.0.1:${plane}"

${rest}`, { mode: 0o600 });
    return this.run();
  }

  /** Starts with the configuration that is there. */
  async run() {
    const binary = process.env.KENWELL_BIN;
    if (!binary || !existsSync(binary)) throw new Error('KENWELL_BIN names no kenwell: build it with cargo build --bin kenwell');
    this.#child = start(binary, ['serve', '--config', this.configFile], this.log, { ...process.env, NO_COLOR: '1' });
    await eventually(`a ready kenwell; its log:\n${this.#tail()}`, async () => {
      if (this.#child.exitCode !== null) throw new Error(`kenwell ended with status ${this.#child.exitCode}:\n${this.#tail()}`);
      return await answers(`${this.url}/health`) && await answers(`${this.privateUrl}/ready`);
    }, 60);
    return this;
  }

  /** The key that was printed at the first start. */
  get adminKey() {
    const [key] = /kwa_[\w-]{43}/.exec(readFileSync(this.log, 'utf8')) ?? [];
    if (!key) throw new Error(`no admin key was printed:\n${this.#tail()}`);
    return key;
  }

  /** The configuration as it is on disk. */
  get config() {
    return readFileSync(this.configFile, 'utf8');
  }

  /** Replaced as a whole: the server may read at any moment. */
  set config(text) {
    const next = `${this.configFile}.next`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, this.configFile);
  }

  async stop() {
    const status = this.#child ? await stop(this.#child) : 0;
    this.#child = null;
    return status;
  }

  /** A call of the API as a program makes it. */
  async api(method, path, body) {
    const response = await fetch(`${this.privateUrl}/api/v1${path}`, {
      method, headers: { Authorization: `Bearer ${this.adminKey}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** One event, as curl would send it. */
  async send(writeKey, event) {
    const response = await fetch(`${this.url}/v1/${event.type}`, {
      method: 'POST', headers: { Authorization: `Basic ${btoa(`${writeKey}:`)}` }, body: JSON.stringify(event),
    });
    if (!response.ok) throw new Error(`${event.type}: ${response.status} ${await response.text()}`);
  }

  #tail() {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n').slice(-30).join('\n') : '';
  }
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
