// Whether the certificate that a server shows is trusted, for the JavaScript connection. OpenSSL judges it; what it takes
// for self-signed only because the authority has the same name, as in recipes for stunnel, is looked at again.
'use strict';

const { X509Certificate } = require('crypto');
const net = require('net');
const tls = require('tls');

/** The purpose of servers, for certificates that name any. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** Why the server that a handshake was made with is not trusted; null when it is. */
function whyNotTrusted(socket, name, { ca, skipVerify }) {
  if (skipVerify || socket.authorized) return null;
  const code = socket.authorizationError;
  try {
    if (code !== 'DEPTH_ZERO_SELF_SIGNED_CERT' || ca === undefined) return coded(code);
    const leaf = socket.getPeerX509Certificate();
    const problem = namesake(leaf, ca);
    return problem === null ? checkName(name, leaf.toLegacyObject(), true) || null : coded(problem);
  } catch {
    // A certificate that cannot be looked at again stays refused.
    return coded(code);
  }
}

/** OpenSSL's code for why none of the authorities of the leaf's own name vouches for it; null when one does. */
function namesake(leaf, ca) {
  const authorities = ca.split(/(?=-----BEGIN )/).map((pem) => new X509Certificate(pem));
  const issuer = authorities.find((authority) => authority.ca && leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
  if (issuer === undefined) return 'DEPTH_ZERO_SELF_SIGNED_CERT';
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(SERVER_AUTH)) return 'INVALID_PURPOSE';
  const now = Date.now();
  for (const { validFrom, validTo } of [leaf, issuer]) {
    // Also when a date cannot be read.
    if (!(now <= Date.parse(validTo))) return 'CERT_HAS_EXPIRED';
    if (!(now >= Date.parse(validFrom))) return 'CERT_NOT_YET_VALID';
  }
  return null;
}

/** At a loopback address any name of this machine will do, when an authority is given: nobody else can listen there. */
function checkName(name, certificate, hasAuthority) {
  const refusal = tls.checkServerIdentity(name, certificate);
  if (refusal === undefined || !hasAuthority || !isLoopback(name)) return refusal;
  const isKnown = ['localhost', '127.0.0.1', '::1'].some((alias) => tls.checkServerIdentity(alias, certificate) === undefined);
  return isKnown ? undefined : refusal;
}

function isLoopback(name) {
  return /^localhost\.?$/i.test(name) || name === '::1' || (net.isIPv4(name) && name.startsWith('127.'));
}

function coded(code) {
  return Object.assign(new Error(String(code)), { code });
}

module.exports = { checkName, whyNotTrusted };
