// Ports for servers that tests start, also when many tests run at once.
'use strict';

const dgram = require('dgram');
const { once } = require('events');
const net = require('net');

// Below the range from which systems give clients their ports, so that no connection takes one between our look and the
// server's start, or while a server is down.
const [FIRST, END] = [10_000, 32_000];

// Processes that start together begin elsewhere.
let looked = process.pid * 37;

/**
 * A port that nobody listens on, and that no other test is given before this process ends: whoever holds the UDP port of the
 * same number has it. `tools/ports.py` and the Rust tests' `ports.rs` do the same.
 */
async function freePort() {
  for (let attempt = FIRST; attempt < END; attempt += 1) {
    const port = FIRST + looked++ % (END - FIRST);
    const held = dgram.createSocket('udp4').unref();
    if (!await binds(held, () => held.bind({ port, address: '127.0.0.1', exclusive: true }))) continue;
    const server = net.createServer();
    if (await binds(server, () => server.listen({ port, host: '127.0.0.1', exclusive: true }))) {
      server.close();
      await once(server, 'close');
      return port;
    }
    held.close();
  }
  throw new Error('no port is free');
}

async function binds(socket, bind) {
  const bound = once(socket, 'listening');
  bind();
  return bound.then(() => true, () => false);
}

module.exports = { freePort };
