// Certificates and keys in every form in which people have them, the names of this machine, and the reasons of refusals.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { StateStore } = require('../state');
const { Redis, freePort } = require('./support/redis');

let directory;
let redis;
let port;

const file = (name) => path.join(directory, name);
const text = (name) => fs.readFileSync(file(name), 'utf8');
const openssl = (line) => execFileSync('openssl', line.split(' '), { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
const EC = 'ec -pkeyopt ec_paramgen_curve:P-256';

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-tls-'));
  // As in recipes for stunnel: both are called localhost, and nothing else.
  openssl(`req -x509 -newkey ${EC} -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=localhost`);
  openssl(`req -x509 -newkey ${EC} -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other`);
  openssl(`req -newkey ${EC} -nodes -keyout key.pem -out request.pem -subj /CN=localhost`);
  openssl('x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2');
  openssl(`req -newkey ${EC} -nodes -keyout me.key -out me.csr -subj /CN=me`);
  openssl('x509 -req -in me.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out me.pem -days 2');
  port = await freePort();
  redis = await Redis.start(['--tls-port', String(port), '--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem'), '--tls-ca-cert-file', file('ca.pem'), '--tls-auth-clients', 'optional']);
});

after(async () => {
  await redis.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

const load = (tls, host = '127.0.0.1') => new StateStore({ connectionString: `rediss://${host}:${port}`, tls }).load('ada');

async function refused(tls, code, words, host) {
  await assert.rejects(async () => load(tls, host), (error) => {
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.match(error.message, word);
    assert.doesNotMatch(error.message, /ca_certificate|client_certificate|client_key|server_name|Issuer|Failure|DnsName/);
    const secret = text('key.pem').split('\n')[1];
    assert.ok(!error.message.includes(secret));
    return true;
  });
}

test('any name of this machine will do at a loopback address, with an authority that is given', async () => {
  for (const host of ['127.0.0.1', 'localhost']) await load({ ca: file('ca.pem') }, host);
  // The name of the authority alone is not enough.
  openssl(`req -x509 -newkey ${EC} -nodes -keyout twin.key -out twin.pem -days 2 -subj /CN=localhost`);
  await refused({ ca: file('twin.pem') }, 'KENWELL_TLS', [/tls\.ca/]);
  await refused({ ca: file('ca.pem'), serverName: 'redis.internal' }, 'KENWELL_TLS', [/tls\.serverName/]);
  await refused({ ca: file('other.pem') }, 'KENWELL_TLS', [/tls\.ca/]);
  await refused({}, 'KENWELL_TLS', [/tls\.ca|version 1/]);
});

test('what stands outside of the markers counts for nothing', async () => {
  const [ours, other] = [text('ca.pem'), text('other.pem')];
  const latin1 = Buffer.from('# M\xfcller & S\xf6hne\n', 'latin1');
  const forms = {
    joined: other.trimEnd() + ours.trimEnd(),
    latin1: Buffer.concat([latin1, Buffer.from(other), latin1, Buffer.from(ours)]),
    bom: `\ufeff${other}${ours}`,
    crlf: (other + ours).replace(/\n/g, '\r\n'),
    bags: `Bag Attributes\n    localKeyID: 01\nsubject=CN = x\n${other}Bag Attributes\n${ours}`,
    escaped: (other + ours).replace(/\n/g, '\\n'),
  };
  for (const [form, bytes] of Object.entries(forms)) {
    fs.writeFileSync(file(`${form}.pem`), bytes);
    await load({ ca: file(`${form}.pem`) });
  }
  await load({ ca: forms.joined });
  fs.writeFileSync(file('both.pem'), text('me.key') + text('me.pem'));
  await load({ ca: file('ca.pem'), cert: file('both.pem'), key: file('both.pem') });
});

test('a client certificate of X.509 version 1 works', async () => {
  assert.match(execFileSync('openssl', ['x509', '-in', file('me.pem'), '-noout', '-text'], { encoding: 'utf8' }), /Version: 1/);
  await load({ ca: file('ca.pem'), cert: file('me.pem'), key: file('me.key') });
});

test('other forms are named, with the command that converts them', async () => {
  openssl('pkcs12 -export -in cert.pem -inkey key.pem -passout pass:1234 -out cert.p12');
  openssl('crl2pkcs7 -nocrl -certfile ca.pem -out ca.p7b');
  openssl('x509 -in ca.pem -outform der -out ca.der');
  openssl('pkey -in key.pem -outform der -out key.der');
  openssl('pkcs8 -topk8 -in key.pem -passout pass:1234 -out locked.key');
  fs.writeFileSync(file('utf-16.pem'), Buffer.from(`\ufeff${text('ca.pem')}`, 'utf16le'));
  fs.writeFileSync(file('cut.pem'), text('ca.pem') + text('other.pem').slice(0, 200));
  const own = (cert, key) => ({ ca: file('ca.pem'), cert: file(cert), key: file(key) });
  for (const [tls, ...words] of [
    [{ ca: file('cert.p12') }, /tls\.ca/, /PKCS#12/, /openssl pkcs12/],
    [{ ca: file('ca.p7b') }, /openssl pkcs7 -print_certs/],
    [{ ca: file('ca.der') }, /openssl x509 -inform der/],
    [{ ca: file('utf-16.pem') }, /iconv -f UTF-16/],
    [{ ca: file('cut.pem') }, /cut off/],
    [{ ca: file('not-there.pem') }, /tls\.ca/, /readable file/],
    [own('cert.pem', 'key.der'), /tls\.key/, /openssl pkey -inform der/],
    [own('cert.pem', 'locked.key'), /tls\.key/, /encrypted/, /openssl pkey/],
    [own('key.pem', 'cert.pem'), /exchange the values of tls\.cert and tls\.key/],
    [own('cert.pem', 'other.key'), /tls\.key|tls/, /belong together/],
  ]) await refused(tls, 'KENWELL_SETTINGS', words);
});

test('an authority whose time is over is said to be that', async () => {
  fs.writeFileSync(file('index.txt'), '');
  fs.writeFileSync(file('ca.cnf'), '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n');
  fs.writeFileSync(file('ca.ext'), 'basicConstraints=critical,CA:TRUE');
  openssl('req -new -key ca.key -subj /CN=localhost -out old.csr');
  openssl('ca -batch -notext -config ca.cnf -selfsign -keyfile ca.key -in old.csr -startdate 20200101000000Z -enddate 20210101000000Z -extfile ca.ext -out old.pem');
  await refused({ ca: file('old.pem') }, 'KENWELL_TLS', [/expired/]);
});
