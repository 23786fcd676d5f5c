// Where servers listen: addresses as the settings give them, and as servers announce them.
'use strict';

const net = require('net');

const { wrong } = require('./error');

/** The most addresses that one setting can list. */
const MAX_ADDRESSES = 64;
/** The longest name of a host that is taken from a server, in bytes: the longest that there is (RFC 1035). */
const MAX_HOST_BYTES = 255;

const HOST = /^[^\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0]+$/u;
const NO_HOST = /[\s\p{Cc}@/?#="'\\]/u;

/** Whether a text that a server gives can be a host: a name or an IP address. */
function isHost(text) {
  return HOST.test(text) && Buffer.byteLength(text) <= MAX_HOST_BYTES;
}

/** The number of a port in a text; 0 when it is none. */
function portOf(text) {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port <= 65_535 ? port : 0;
}

/** `host:port`, with an IPv6 address in brackets. */
function written(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `{ host, port }` of `host:port` or `[ipv6]:port`, the host without brackets; null when it is none. */
function placeOf(text) {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || NO_HOST.test(host) || portOf(port) === 0 ? null : { host, port: portOf(port) };
}

/**
 * The addresses of a list, each as `written`. Throws KENWELL_SETTINGS for what is none and shows no part of it: people
 * paste passwords.
 */
function addressesOf(text, setting) {
  if (text.startsWith('unix:')) throw wrong(setting, 'a Unix socket is no cluster and no Sentinel');
  const addresses = text.split(',').map((part) => placeOf(part.trim()));
  if (addresses.includes(null)) throw wrong(setting, 'one of its addresses is no host:port; write it like 10.0.0.1:6379 or [::1]:6379, and a password as a setting of its own');
  if (addresses.length > MAX_ADDRESSES) throw wrong(setting, `more than ${MAX_ADDRESSES} addresses; a few are enough to find the others`);
  return addresses.map(({ host, port }) => written(host, port));
}

/** A host in one way of writing it. */
function normal(host) {
  if (net.isIPv6(host)) return new URL(`http://[${host.split('%')[0]}]/`).hostname.slice(1, -1);
  return host.toLowerCase();
}

module.exports = { addressesOf, isHost, normal, placeOf, portOf, written };
