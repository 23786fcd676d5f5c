// What a failed handshake means, and what to do about it: OpenSSL's codes for the JavaScript connection, and the
// library's words with this package's names of the settings for the native one.
'use strict';

const UNTRUSTED = 'nobody who is trusted signed the server\'s certificate; set tls.ca to the certificate of the authority that did';

const REASONS = {
  CERT_HAS_EXPIRED: 'the server\'s certificate, or an authority above it, has expired; renew it, or check the clocks of both machines',
  CERT_NOT_YET_VALID: 'the server\'s certificate, or an authority above it, is not valid yet; check the clocks of both machines',
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server\'s certificate signed itself; set tls.ca to exactly that certificate',
  EE_KEY_TOO_SMALL: 'the key of the server\'s certificate is too short; make it again with an RSA key of 2048 bits or more',
  CA_KEY_TOO_SMALL: 'the key of an authority above the server\'s certificate is too short; make it again with an RSA key of 2048 bits or more',
  CA_MD_TOO_WEAK: 'a certificate of the server is signed with SHA-1 or worse; sign it again with SHA-256',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the server\'s certificate is for another name; set tls.serverName to one that is in it',
  INVALID_CA: 'a certificate above the server\'s is not one of an authority (CA:TRUE)',
  INVALID_PURPOSE: 'the server\'s certificate is for another purpose; its extendedKeyUsage must have serverAuth',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS on this port; write redis:// and no tls, or give its TLS port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not speak TLS on this port; write redis:// and no tls, or give its TLS port',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'tls.key is not the key of tls.cert; give the two that belong together',
  ERR_SSL_EE_KEY_TOO_SMALL: 'the key of tls.cert is too short; use an RSA key of 2048 bits or more',
  ERR_SSL_CA_MD_TOO_WEAK: 'tls.cert is signed with SHA-1 or worse; sign it again with SHA-256',
};

/** What this error of OpenSSL's means; null when nobody has words for it. */
function explanation(error) {
  const code = codeOf(error);
  if (typeof code !== 'string') return null;
  if (Object.hasOwn(REASONS, code)) return REASONS[code];
  if (/ALERT_CERTIFICATE_REQUIRED|PEER_DID_NOT_RETURN/.test(code)) return 'the server wants a client certificate; set tls.cert and tls.key';
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)/.test(code)) return 'the server refused tls.cert; use one that is valid and signed by an authority that the server trusts';
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code)) return 'the server must allow TLS 1.2 or 1.3';
  if (/HANDSHAKE_FAILURE|NO_SHARED/.test(code)) return 'the server refuses; it may want a client certificate (tls.cert and tls.key), or has no cipher in common';
  return null;
}

/** Where the socket met the error, the code stands in the text only: `…:error:0A00010B:SSL routines::wrong version number:…` */
function codeOf({ code, message }) {
  if (code !== 'EPROTO') return code;
  const words = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/i.exec(message);
  return words === null ? code : `ERR_SSL_${words[1].trim().toUpperCase().replace(/ /g, '_')}`;
}

/** What the native part calls the settings, and what they are called here. Longer names first. */
const NAMES = [
  [/`?client_certificate`?/g, 'tls.cert'],
  [/`?ca_certificate`?/g, 'tls.ca'],
  [/`?client_key`?/g, 'tls.key'],
  [/`?server_name`?/g, 'tls.serverName'],
  [/`?skip_verify`?/g, 'tls.skipVerify'],
  [/`?address_map`?/g, 'addressMap'],
  [/`?cluster_mode = (true|false)`?/g, 'cluster: $1'],
  [/`?cluster_mode`?/g, 'cluster'],
  [/`?sentinel_(master|username|password)`?/g, 'sentinel.$1'],
  [/set `?secure = false`?/g, 'write redis:// and no tls'],
];

/** A message of the native part with the names that the settings have here. */
function inOurNames(message) {
  return NAMES.reduce((text, [theirs, ours]) => text.replace(theirs, ours), message);
}

module.exports = { explanation, inOurNames };
