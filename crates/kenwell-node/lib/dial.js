// Opening a socket to Redis: where it is, and what TLS needs.
'use strict';

const fs = require('fs');
const net = require('net');
const tls = require('tls');

const { KenwellError, lost } = require('./error');
const { certificates, privateKey } = require('./pem');
const { checkName, whyNotTrusted } = require('./server-certificate');
const { explanation } = require('./tls-explanation');

/** How long a connection may be idle before the operating system asks whether the server is still there. */
const KEEP_ALIVE_MS = 30_000;
/** A name may have several addresses, and the first ones may be dead: after so long the next one is tried (RFC 8305). */
const ATTEMPT_MS = 250;

/** What arrives is read so much at a time, always into the same memory: nobody keeps it. */
const READ_BYTES = 64 * 1024;

/**
 * A socket that says `connect`, or with TLS `trusted`, when something may be sent. What arrives is given to `receive`, and is
 * only there until that returns.
 */
function open(settings, receive) {
  const socket = socketTo(settings, receive);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.unref(); // what waits for an answer keeps the process alive, an idle connection does not
  return socket;
}

function socketTo({ address, tls: secure }, receive) {
  const place = address.startsWith('unix:') ? { path: address.slice('unix:'.length) } : { ...hostAndPort(address), autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
  if (!secure) return net.connect({ ...place, onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: readTo(receive) } });
  const given = material(secure);
  const name = secure.serverName || place.host;
  const socket = tls.connect({
    ...place,
    secureContext: context(given),
    // Judged below, before anything is sent.
    rejectUnauthorized: false,
    servername: name && !net.isIP(name) ? name : '',
    checkServerIdentity: (_host, certificate) => checkName(name, certificate, given.ca !== undefined),
  });
  socket.on('data', receive);
  socket.once('secureConnect', () => {
    const error = whyNotTrusted(socket, name, { ca: given.ca, skipVerify: secure.skipVerify });
    if (error === null) socket.emit('trusted');
    else socket.destroy(error);
  });
  return socket;
}

/** Gives on what was read; the socket goes on reading. */
const readTo = (receive) => (length, buffer) => {
  receive(buffer.subarray(0, length));
  return true;
};

/** The certificates and the key of the settings, as OpenSSL wants them. */
function material({ ca, cert, key }) {
  const read = (given, setting, understand) => (given === null ? undefined : understand(setting, content(given, setting)));
  return { ca: read(ca, 'tls.ca', certificates), cert: read(cert, 'tls.cert', certificates), key: read(key, 'tls.key', privateKey) };
}

function context(given) {
  try {
    return tls.createSecureContext(given);
  } catch (error) {
    const why = explanation(error) || 'a certificate or key cannot be used; use an RSA key of 2048 bits or more, ECDSA or Ed25519';
    throw new KenwellError('KENWELL_SETTINGS', `setting tls: ${why}`, { setting: 'tls', systemCode: error.code });
  }
}

function hostAndPort(address) {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}

/** PEM text as it is, anything else is the path of a file. Neither is repeated: it may be a key. */
function content(given, setting) {
  if (given.includes('-----BEGIN')) return given;
  try {
    return fs.readFileSync(given);
  } catch (error) {
    throw new KenwellError('KENWELL_SETTINGS', `setting ${setting}: neither PEM text nor the path of a readable file: ${error.code}`, { setting, systemCode: error.code });
  }
}

function broken(error, connected) {
  // With TLS 1.3 a server refuses a client certificate after the handshake.
  if (connected && !/alert/i.test(error.message)) return lost(error.code || 'it broke');
  const handshake = explanation(error) !== null || typeof error.code === 'string' && /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_|DEPTH_|SELF_SIGNED)/.test(error.code);
  const code = handshake ? 'KENWELL_TLS' : 'KENWELL_CONNECTION';
  return new KenwellError(code, `cannot connect to Redis: ${explanation(error) || error.code || error.message}`, { systemCode: error.code, retryable: true });
}

module.exports = { broken, open };
