// Opening a socket to Redis: where it is, and what TLS needs.
'use strict';

const fs = require('fs');
const net = require('net');
const tls = require('tls');

const { KenwellError, lost } = require('./error');

/** How long a connection may be idle before the operating system asks whether the server is still there. */
const KEEP_ALIVE_MS = 30_000;
/** A name may have several addresses, and the first ones may be dead: after so long the next one is tried (RFC 8305). */
const ATTEMPT_MS = 250;

function open(settings) {
  const socket = socketTo(settings);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.unref(); // what waits for an answer keeps the process alive, an idle connection does not
  return socket;
}

function socketTo({ address, tls: secure }) {
  const place = address.startsWith('unix:') ? { path: address.slice('unix:'.length) } : { ...hostAndPort(address), autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
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

module.exports = { broken, open };
