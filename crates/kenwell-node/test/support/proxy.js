// A network between a store and Redis that can be told to misbehave: to cut, to swallow, to hold bytes back.
'use strict';

const { once } = require('node:events');
const net = require('node:net');

class Proxy {
  /** Leads to a port of this machine. */
  static async start(port) {
    const proxy = new Proxy();
    proxy.port = port;
    proxy.pairs = new Set();
    /** What new connections begin as: `pass`, `swallow` or `hold`. */
    proxy.treats = 'pass';
    proxy.server = net.createServer((client) => proxy.join(client));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.url = `redis://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  join(client) {
    const upstream = net.connect({ port: this.port, host: '127.0.0.1' });
    // `up` and `down`: what happens to bytes on their way to Redis, and back.
    const pair = { client, upstream, up: this.treats, down: this.treats, held: [] };
    this.pairs.add(pair);
    const pass = (direction, to) => (chunk) => {
      if (pair[direction] === 'pass') to.write(chunk);
      else if (pair[direction] === 'hold') pair.held.push(() => to.destroyed || to.write(chunk));
    };
    client.on('data', pass('up', upstream));
    upstream.on('data', pass('down', client));
    for (const [one, other, direction] of [[client, upstream, 'up'], [upstream, client, 'down']]) {
      one.on('error', () => {});
      one.on('close', () => {
        if (pair[direction] === 'pass') other.destroy();
        else if (pair[direction] === 'hold') pair.held.push(() => other.end());
        if (client.destroyed && upstream.destroyed) this.pairs.delete(pair);
      });
    }
  }

  /** From now on all open connections do this, in both directions or in one. */
  set(treats, direction) {
    for (const pair of this.pairs) {
      if (direction !== 'down') pair.up = treats;
      if (direction !== 'up') pair.down = treats;
    }
  }

  /** What was held back arrives, also from senders that are gone. */
  release() {
    for (const pair of this.pairs) {
      for (const arrive of pair.held.splice(0)) arrive();
      for (const direction of ['up', 'down']) if (pair[direction] === 'hold') pair[direction] = 'pass';
    }
  }

  /** Ends all open connections; what was held back is lost. */
  cut() {
    for (const { client, upstream } of this.pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  close() {
    this.server.close();
    this.cut();
  }
}

module.exports = { Proxy };
