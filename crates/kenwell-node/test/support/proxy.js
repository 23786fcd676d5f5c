// A network between a store and Redis that can be told to misbehave: to cut, to swallow, to hold bytes back. What arrives
// is always a beginning of what was sent, in order, as TCP has it: nothing overtakes, and nothing comes behind a gap.
'use strict';

const { once } = require('node:events');
const net = require('node:net');

class Proxy {
  /** Leads to a port of this machine. */
  static async start(port) {
    const proxy = new Proxy();
    await proxy.begin(port);
    return proxy;
  }

  async begin(port) {
    this.port = port;
    this.pairs = new Set();
    /** What new connections begin as: `pass`, `swallow` or `hold`. */
    this.treats = 'pass';
    this.server = net.createServer((client) => this.join(client));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `redis://127.0.0.1:${this.server.address().port}`;
  }

  join(client) {
    const upstream = net.connect({ port: this.port, host: '127.0.0.1' });
    // `up` and `down`: what happens to bytes on their way to Redis, and back. `gaps` has the ways on which some were swallowed.
    const pair = { client, upstream, up: this.treats, down: this.treats, held: [], gaps: new Set() };
    this.pairs.add(pair);
    const hold = (direction, arrive) => pair.held.push(Object.assign(arrive, { direction }));
    const pass = (direction, to) => (chunk) => {
      if (pair[direction] === 'swallow') pair.gaps.add(direction);
      if (pair.gaps.has(direction)) return;
      if (pair[direction] === 'pass') to.write(chunk);
      else hold(direction, () => to.destroyed || to.write(chunk));
    };
    client.on('data', pass('up', upstream));
    upstream.on('data', pass('down', client));
    for (const [one, other, direction] of [[client, upstream, 'up'], [upstream, client, 'down']]) {
      one.on('error', () => {});
      one.on('close', () => {
        if (pair[direction] === 'pass') other.destroy();
        else if (pair[direction] === 'hold') hold(direction, () => other.end());
        if (client.destroyed && upstream.destroyed) this.pairs.delete(pair);
      });
    }
  }

  /** From now on all open connections do this, in both directions or in one. What was held back passes first. */
  set(treats, direction) {
    if (treats === 'pass') this.release(direction);
    for (const pair of this.pairs) {
      if (direction !== 'down') pair.up = treats;
      if (direction !== 'up') pair.down = treats;
    }
  }

  /** What was held back arrives, also from senders that are gone; in both directions or in one. */
  release(direction) {
    const directions = direction === undefined ? ['up', 'down'] : [direction];
    for (const pair of this.pairs) {
      const held = pair.held;
      pair.held = held.filter((arrive) => !directions.includes(arrive.direction));
      for (const arrive of held) if (directions.includes(arrive.direction)) arrive();
      for (const one of directions) if (pair[one] === 'hold') pair[one] = 'pass';
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
