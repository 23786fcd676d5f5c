// Encryption of stored values: authenticated, bound to the key they lie under, with secrets that can be changed.
//
// kw1.<key id>.<base64url of: 24 bytes nonce, ciphertext, 16 bytes tag>
//
// XChaCha20-Poly1305 with a random nonce; the associated data is `kw1.<key id>.` and the Redis key. The Rust state
// store reads and writes the same form (crates/kenwell/src/state/encryption.rs).
'use strict';

const { randomBytes } = require('crypto');

const { wrong } = require('./error');
const { textOrBytes } = require('./values');

/** Loaded when something is encrypted first: most programs need none. */
const chacha = (...given) => require('@noble/ciphers/chacha').xchacha20poly1305(...given);

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
/** The most keys in a ring. */
const MAX_KEYS = 64;
/** The most rings that are kept understood; a program has one or two. */
const MAX_RINGS = 64;

const ID = /^[A-Za-z0-9_-]{1,32}$/;
const SEALED = /^kw([0-9]+)(?:\.|$)/;

/** Rings by what their configuration says. Understanding one again for each call would cost more than the encryption. */
const rings = new Map();

/** The cipher of `encryption: { keys: [{ id, secret }], entries, acceptPlaintext }`. */
function cipherOf(encryption) {
  const { keys, entries, acceptPlaintext } = encryption;
  const identity = JSON.stringify([keys, entries, acceptPlaintext]);
  let ring = rings.get(identity);
  if (ring === undefined) {
    ring = new KeyRing(keys, entries, acceptPlaintext === true);
    if (rings.size >= MAX_RINGS) rings.delete(rings.keys().next().value);
    rings.set(identity, ring);
  }
  return ring;
}

/** The first key seals, all of them open: a new secret is put in front, and old values stay readable. */
class KeyRing {
  constructor(keys, entries, acceptPlaintext) {
    if (!Array.isArray(keys) || keys.length < 1 || keys.length > MAX_KEYS) throw wrong('encryption.keys', `it must be a list of 1 to ${MAX_KEYS} keys, such as [{ id: "2026", secret: "<64 hexadecimal digits>" }]`);
    this.secrets = new Map();
    for (const { id, secret } of keys) {
      if (typeof id !== 'string' || !ID.test(id)) throw wrong('encryption.keys', 'an id has 1 to 32 characters of A-Z, a-z, 0-9, - and _');
      if (this.secrets.has(id)) throw wrong('encryption.keys', `two keys have the id ${id}`);
      this.secrets.set(id, secretOf(id, secret));
    }
    this.sealing = keys[0].id;
    this.entries = entries;
    this.acceptPlaintext = acceptPlaintext;
  }

  /** Whether values of this entry are encrypted; all are, unless the configuration names some. */
  covers(entryId) {
    return !this.entries || this.entries.includes(entryId);
  }

  seal(redisKey, value) {
    const head = `kw1.${this.sealing}.`;
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = chacha(this.secrets.get(this.sealing), nonce, placeOf(head, redisKey)).encrypt(Buffer.from(value));
    return head + Buffer.concat([nonce, sealed]).toString('base64url');
  }

  /** What was sealed for this Redis key; text when it is text. Throws an error that says why not. */
  open(redisKey, value) {
    const version = typeof value === 'string' ? SEALED.exec(value) : null;
    if (version === null) {
      if (this.acceptPlaintext) return value;
      throw new Refused('it is not encrypted, but should be');
    }
    if (version[1] !== '1') throw new Refused('it is encrypted in a way that this version does not know');
    const [, id, body] = value.split('.', 3);
    const secret = this.secrets.get(id);
    if (secret === undefined) throw new Refused('it is encrypted with a key that is not in encryption.keys');
    const bytes = Buffer.from(body ?? '', 'base64url');
    // Buffer skips what is no base64; then other texts would stand for the same bytes.
    if (bytes.toString('base64url') !== body || value.length !== `kw1.${id}.${body}`.length) throw new Refused(CHANGED);
    return textOrBytes(decrypted(secret, bytes, placeOf(`kw1.${id}.`, redisKey)));
  }
}

const CHANGED = 'it was changed, cut, copied from another key, or encrypted with another secret';

/** Why a value was not opened. Tells no value. */
class Refused extends Error {}

/** 32 bytes, written as hexadecimal digits or base64. */
function secretOf(id, secret) {
  const text = typeof secret === 'string' ? secret.trim() : '';
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (bytes.length === KEY_BYTES && /^[A-Za-z0-9+/_=-]+$/.test(text)) return bytes;
  throw wrong('encryption.keys', `the secret of key ${id} is not 32 bytes, written as 64 hexadecimal digits or as base64; make one with: openssl rand -hex 32`);
}

function decrypted(secret, bytes, place) {
  try {
    const plain = chacha(secret, bytes.subarray(0, NONCE_BYTES), place).decrypt(bytes.subarray(NONCE_BYTES));
    return Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  } catch {
    throw new Refused(CHANGED);
  }
}

const placeOf = (head, redisKey) => Buffer.concat([Buffer.from(head), Buffer.from(redisKey)]);

module.exports = { cipherOf, Refused };
