// The settings with which a Redis is reached, as fields.
import { ApiError } from './api.js';
import { fill, h } from './dom.js';
import { area, check, choice, Group, text } from './fields.js';
import { box } from './notice.js';

const KINDS = [['standalone', 'One Redis (or Valkey)'], ['cluster', 'Redis Cluster'], ['sentinel', 'Redis behind Sentinels']];
const ADDRESS_HINTS = {
  standalone: 'host:port, such as redis.internal:6379. A Unix socket only where the file allows it.',
  cluster: 'Two or three nodes, with commas between them: they name the others.',
  sentinel: 'The Sentinels, with commas between them, such as a:26379, b:26379.',
};
const FILE_BYTES = 262_144;
/** What settings are when nobody has said anything, unless that is the empty text. */
const EMPTY = { database: 0, cluster_mode: false, secure: false, skip_verify: false };
const ORIGINS = { environment: 'an environment variable', secret_file: 'a file of its own' };

/** The fields; `before` is the destination that is edited, or null for a new one. */
export class Connection {
  #before;
  #fields;
  #client;
  #hint = h('span');

  constructor(before = null) {
    this.#before = before;
    const old = before ?? {};
    this.#fields = {
      cluster_mode: choice('cluster_mode', 'Kind', KINDS, { value: kindOf(old), onchange: () => this.#adapt() }),
      address: text('address', 'Address', { value: old.address ?? '', hint: this.#hint, required: true, placeholder: '127.0.0.1:6379' }),
      sentinel_master: text('sentinel_master', 'Name of the master', { value: old.sentinel_master ?? '', hint: 'As the Sentinels know it, often mymaster.' }),
      sentinel_username: text('sentinel_username', 'User at the Sentinels', { value: old.sentinel_username ?? '', hint: 'Sentinels have users of their own. Empty for the default user.' }),
      ...secret('sentinel_password', 'Password at the Sentinels', old.has_sentinel_password),
      username: text('username', 'User', { value: old.username ?? '', hint: 'An ACL user of Redis. Empty for the default user.' }),
      ...secret('password', 'Password', old.has_password, old.password_from),
      database: text('database', 'Database', { value: String(old.database ?? 0), inputmode: 'numeric', hint: 'A number; 0 always exists, and is the only one of a cluster.' }),
      prefix: text('prefix', 'Key prefix', { value: old.prefix ?? '', hint: 'Keys become prefix:user:<id>. Empty for user:<id>.' }),
      secure: check('secure', 'Connect with TLS', { checked: old.secure, hint: 'Encrypts the connection and checks the server\'s certificate.', onchange: () => this.#adapt() }),
      ca_certificate: certificate('ca_certificate', 'CA certificate', old.ca_certificate, 'Who issued the server\'s certificate: PEM text; or the path of a file on the server, where the file allows it. Empty for the system\'s authorities.'),
      server_name: text('server_name', 'Name in the certificate', { value: old.server_name ?? '', hint: 'Only when it differs from the host of the address.' }),
      client_certificate: certificate('client_certificate', 'Client certificate', old.client_certificate, 'PEM text; or the path of a file on the server, where the file allows it.'),
      ...clientKey(old.has_client_key),
      connect_timeout: text('connect_timeout', 'Longest wait for a connection', { value: old.connect_timeout ?? '', hint: 'Such as 10s. Empty for 5s.' }),
      response_timeout: text('response_timeout', 'Longest silence', { value: old.response_timeout ?? '', hint: 'How long Redis may say nothing before a new connection is opened, such as 10s. Empty for 5s.' }),
      skip_verify: check('skip_verify', 'Do not check the server\'s certificate', { checked: old.skip_verify, onchange: () => this.#adapt() }),
    };
    this.warning = { element: box('warn', h('p', {}, h('strong', {}, 'Anybody on the way can read and change what is sent'),
      ', and pretend to be your Redis. For trying things only; with a CA certificate the check works with private certificates too.')) };
    const f = this.#fields;
    this.#client = new Group([f.client_certificate, f.client_key, f.remove_client_key].filter(Boolean), {
      summary: 'A certificate of our own, for a Redis that asks for one',
    });
    this.#client.open = Boolean(old.client_certificate);
    this.#adapt();
  }

  /** All parts in the order in which they are shown. */
  get layout() {
    const f = this.#fields;
    const group = (title) => ({ element: h('h3', {}, title) });
    return [
      f.cluster_mode, f.address, f.sentinel_master, f.sentinel_username, f.sentinel_password, f.remove_sentinel_password,
      group('Sign in'), f.username, f.password, f.remove_password,
      group('Keys'), f.database, f.prefix,
      group('Encryption'), f.secure, f.ca_certificate, f.server_name, f.skip_verify, this.warning, this.#client,
      group('Patience'), f.connect_timeout, f.response_timeout,
    ].filter(Boolean);
  }

  get #kind() {
    return this.#fields.cluster_mode.value;
  }

  /** Shows what belongs to the chosen kind. */
  #adapt() {
    const f = this.#fields;
    const isSecure = f.secure.value;
    fill(this.#hint, ADDRESS_HINTS[this.#kind]);
    for (const name of ['sentinel_master', 'sentinel_username', 'sentinel_password', 'remove_sentinel_password']) {
      if (f[name]) f[name].hidden = this.#kind !== 'sentinel';
    }
    for (const part of [f.ca_certificate, f.server_name, f.skip_verify, this.#client]) part.hidden = !isSecure;
    this.warning.element.hidden = !(isSecure && f.skip_verify.value);
  }

  /** What a new destination or a test needs: nothing that says what is so anyway, so that the file stays short. */
  get given() {
    const plain = Object.entries(this.#plain).filter(([, value]) => !['', false, 0].includes(value));
    return { ...Object.fromEntries(plain), ...this.#secrets };
  }

  /** Only what differs from the destination that is edited; what was emptied is null. */
  get changes() {
    const before = this.#before;
    const changed = Object.entries(this.#plain).filter(([name, value]) => value !== (before[name] ?? EMPTY[name] ?? ''));
    // It is set in the file or over the API, and only a cluster and Sentinels let it be.
    const map = this.#kind === 'standalone' && Object.keys(before.address_map ?? {}).length > 0 ? { address_map: null } : {};
    return { ...Object.fromEntries(changed.map(([name, value]) => [name, value === '' ? null : value])), ...map, ...this.#secrets };
  }

  get #applies() {
    return { sentinel: this.#kind === 'sentinel', tls: this.#fields.secure.value };
  }

  /** Everything that is no secret; what does not belong to the chosen kind is empty. */
  get #plain() {
    const f = this.#fields;
    const { sentinel, tls } = this.#applies;
    const when = (applies, field) => (applies ? field.value : '');
    return {
      address: f.address.value.trim(), username: f.username.value, database: databaseOf(f.database.value), prefix: f.prefix.value,
      cluster_mode: this.#kind === 'cluster',
      sentinel_master: when(sentinel, f.sentinel_master), sentinel_username: when(sentinel, f.sentinel_username),
      secure: tls, skip_verify: tls && f.skip_verify.value, ca_certificate: when(tls, f.ca_certificate),
      server_name: when(tls, f.server_name), client_certificate: when(tls, f.client_certificate),
      connect_timeout: f.connect_timeout.value.trim(), response_timeout: f.response_timeout.value.trim(),
    };
  }

  /** A typed secret is sent, a removed one is null, and any other stays as it is. */
  get #secrets() {
    const { sentinel, tls } = this.#applies;
    const one = (name, applies) => {
      if (this.#fields[`remove_${name}`]?.value || (!applies && this.#before?.[`has_${name}`])) return { [name]: null };
      const typed = this.#fields[name].value;
      return typed && applies ? { [name]: typed } : {};
    };
    return { ...one('password', true), ...one('sentinel_password', sentinel), ...one('client_key', tls) };
  }
}

function kindOf(destination) {
  if (destination.cluster_mode) return 'cluster';
  return destination.sentinel_master ? 'sentinel' : 'standalone';
}

function databaseOf(value) {
  if (/^\d+$/.test(value.trim())) return Number(value);
  throw new ApiError(422, { setting: 'database', message: `"${value}" is no number of a database. Write a whole number, such as 0.` });
}

/** A password: never shown, kept when nothing is typed, and removed by a box of its own. */
function secret(name, label, isSet, from) {
  const origin = ORIGINS[from];
  const hint = origin ? `It comes from ${origin}; what you type here replaces that.` : isSet ? 'One is set and stays unless you type another. For another address it must be typed again.' : 'Empty for none.';
  const field = text(name, label, { type: 'password', autocomplete: 'new-password', placeholder: isSet ? 'unchanged' : '', hint });
  if (!isSet) return { [name]: field };
  return { [name]: field, [`remove_${name}`]: check(`remove_${name}`, `Remove: ${label.toLowerCase()}`) };
}

function certificate(name, label, value, hint) {
  const field = area(name, label, { value: value ?? '', hint, rows: 3, placeholder: '-----BEGIN CERTIFICATE-----' });
  field.element.append(upload(field, label));
  return field;
}

function clientKey(isSet) {
  const field = area('client_key', 'Client key', {
    rows: 3, placeholder: isSet ? 'unchanged' : '-----BEGIN PRIVATE KEY-----',
    hint: isSet ? 'One is set and stays unless you give another; it is never shown.' : 'The private key of the client certificate, not encrypted.',
  });
  field.element.append(upload(field, 'Client key'));
  return isSet ? { client_key: field, remove_client_key: check('remove_client_key', 'Remove: client key') } : { client_key: field };
}

/** Reads a file of the reader's computer into the field. */
function upload(field, label) {
  return h('label', { class: 'button quiet small upload' }, 'Upload a file', h('span', { class: 'unseen' }, `: ${label}`), h('input', {
    type: 'file', class: 'unseen', accept: '.pem,.crt,.cer,.key,text/plain', onchange: async (event) => {
      const [file] = event.currentTarget.files;
      if (!file) return;
      if (file.size > FILE_BYTES) field.fail('This file is too large to be a certificate or key.');
      else field.value = await file.text();
    },
  }));
}
