// A server that answers with what no Redis answers with.
'use strict';

const { once } = require('node:events');
const net = require('node:net');

const { Parser } = require('../../lib/resp');

/** Greets as an old Redis does; `answer(name)` gives what comes to any other command: bytes, and what follows for ever. */
async function serve(answer) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let flooding = false;
    const parser = new Parser();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      parser.push(chunk, ([name]) => {
        if (flooding) return;
        const command = String(name);
        if (command === 'PING') return socket.write('+PONG\r\n');
        if (command === 'HELLO' || command === 'CLIENT') return socket.write('-ERR unknown command\r\n');
        const [begin, more] = answer(command);
        socket.write(begin);
        flooding = more !== undefined;
        const flood = () => {
          while (!socket.destroyed && socket.write(more));
        };
        if (flooding) {
          socket.on('drain', flood);
          flood();
        }
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { connectionString: `redis://127.0.0.1:${server.address().port}`, close };
}

module.exports = { serve };
