// A private authority and what it signed for a name, as files in a directory of their own.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

function certificates(name) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-tls-'));
  const file = (base) => path.join(directory, base);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=authority');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key.pem'), '-out', file('request.pem'), '-subj', `/CN=${name}`);
  fs.writeFileSync(file('names'), `subjectAltName=DNS:${name}`);
  openssl('x509', '-req', '-in', file('request.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('cert.pem'), '-days', '2', '-extfile', file('names'));
  return { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem'), remove: () => fs.rmSync(directory, { recursive: true, force: true }) };
}

module.exports = { certificates };
