// Certificates and keys as people have them, for the JavaScript connection: PEM with whatever stands around it, or the
// name of what it is instead. The native connection reads them in Rust, by the same rules.
'use strict';

const { wrong } = require('./error');

const BLOCK = /-----BEGIN ([^-]+)-----([\s\S]*?)-----END \1-----/g;
const BEGIN = /-----BEGIN /g;

/** The certificates in bytes or text, as strict readers want them. */
function certificates(setting, given) {
  const found = blocks(setting, given);
  const certificates = found.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (found.some(({ label }) => label === 'TRUSTED CERTIFICATE')) throw wrong(setting, 'it holds a TRUSTED CERTIFICATE, which only openssl reads; convert it: openssl x509 -in FILE -out NEW');
  if (found.some(({ label }) => label === 'PKCS7' || label === 'CMS')) throw wrong(setting, 'it is PKCS#7; take the certificates out of it: openssl pkcs7 -print_certs -in FILE -out NEW');
  if (certificates.length > 0) return certificates.map((block) => canonical('CERTIFICATE', block.body)).join('');
  if (found.some(isKey)) throw wrong(setting, `there is no certificate in it, but a private key${setting === 'tls.cert' ? '; exchange the values of tls.cert and tls.key if they are swapped' : ''}`);
  throw wrong(setting, 'there is no certificate in it; give PEM, which has -----BEGIN CERTIFICATE-----');
}

/** The private key in bytes or text. No part of it is shown. */
function privateKey(setting, given) {
  const found = blocks(setting, given);
  const key = found.find(isKey);
  if (key === undefined) {
    const swapped = found.some(({ label }) => label === 'CERTIFICATE') ? ', but a certificate; exchange the values of tls.cert and tls.key if they are swapped' : '; give PEM, which has -----BEGIN PRIVATE KEY-----';
    throw wrong(setting, `there is no private key in it${swapped}`);
  }
  if (key.label.startsWith('ENCRYPTED') || key.body.includes('4,ENCRYPTED')) throw wrong(setting, 'the key is encrypted; write it out without pass phrase: openssl pkey -in KEY -out NEW');
  if (key.label.startsWith('OPENSSH')) throw wrong(setting, 'the key is in the form of OpenSSH; convert it in place: ssh-keygen -p -N \'\' -m PEM -f KEY');
  return canonical(key.label, key.body);
}

function isKey({ label }) {
  return label.endsWith('PRIVATE KEY');
}

function blocks(setting, given) {
  const bytes = Buffer.from(given);
  const foreign = nameOf(bytes);
  if (foreign !== null) throw wrong(setting, `the file holds ${foreign}`);
  const text = bytes.toString('latin1');
  const found = Array.from(text.matchAll(BLOCK), ([, label, body]) => ({ label, body }));
  const isCut = found.length !== (text.match(BEGIN) || []).length;
  if (isCut) throw wrong(setting, 'its PEM is cut off: a -----BEGIN …----- has no -----END …----- that fits; copy all of it');
  return found;
}

/** Without headers, white space, and line breaks that are spelt `\n`. */
function canonical(label, body) {
  const lines = body.replace(/\\r/g, '').replace(/\\n/g, '\n').split('\n').filter((line) => !line.includes(':'));
  const base64 = lines.join('').replace(/[^A-Za-z0-9+/=]/g, '');
  // No empty line: it would end the headers.
  return `-----BEGIN ${label}-----\n${(base64.match(/.{1,64}/g) || []).join('\n')}\n-----END ${label}-----\n`;
}

/** What a file holds that is no PEM, and the command that makes PEM of it; null when it is text. */
function nameOf(bytes) {
  const starts = (...start) => start.every((byte, index) => bytes[index] === byte);
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff) || starts(0, 0x2d) || starts(0x2d, 0)) return 'UTF-16 text, as Windows writes it; convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW';
  if (bytes[0] === 0x30 && (bytes[1] >= 0x80 || bytes[1] + 2 === bytes.length)) return der(bytes);
  const start = bytes.subarray(0, 16);
  const isZero = (first) => start.length === 16 && start.every((byte, index) => index % 2 !== first || byte === 0);
  if (isZero(0) !== isZero(1)) return 'UTF-16 text, as Windows writes it; convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW';
  const text = bytes.toString('latin1').trimStart();
  if (text.startsWith('LS0tLS1CRUdJTi')) return 'PEM that is encoded in base64, as in a Secret of Kubernetes; decode it: base64 -d FILE > NEW';
  if (text.startsWith('MII')) return 'base64 without the markers of PEM; put a line -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- behind it (PRIVATE KEY for a key)';
  return bytes.includes(0) ? 'binary data; give a PEM file' : null;
}

function der(bytes) {
  const content = bytes.subarray(bytes[1] > 0x80 ? 2 + (bytes[1] & 0x7f) : 2);
  const starts = (...start) => start.every((byte, index) => content[index] === byte);
  if (starts(2, 1, 3)) return 'PKCS#12 (.p12, .pfx); convert it: openssl pkcs12 -nodes -in FILE -out NEW';
  if (starts(6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2)) return 'PKCS#7 in DER form (.p7b); convert it: openssl pkcs7 -inform der -print_certs -in FILE -out NEW';
  if (starts(2, 1, 0) || starts(2, 1, 1)) return 'a private key in DER form; convert it: openssl pkey -inform der -in FILE -out NEW';
  return 'a certificate or key in DER form; convert it: openssl x509 -inform der -in FILE -out NEW, or openssl pkey -inform der for a key';
}

module.exports = { certificates, privateKey };
