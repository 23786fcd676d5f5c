// The connection to Redis that lives in native code: requests of one turn of the event loop go over in one buffer,
// and all answers that have come in come back in one. crates/kenwell-node/src/{frame,outbox}.rs are the other side.
'use strict';

const { soon } = require('./clock');
const { KenwellError, timeout, uncertain } = require('./error');
const { inOurNames } = require('./tls-explanation');
const pending = require('./pending-calls');
const { textOrBytes } = require('./values');

const FETCH = 1;
const STORE = 2;
const STORE_UNCHANGED = 3;
const REMOVE = 4;

/** Room for the requests of one turn at first; it grows with them, and shrinks again when a large turn is over. */
const INITIAL_BYTES = 16 * 1024;
const KEPT_BYTES = 1024 * 1024;

/** A longer turn is cut, so that Redis begins with its first calls while JavaScript still makes the others. */
const MAX_CALLS = 16;

/** Native code ends a call in time, and knows better what was wrong; this is for when it cannot. */
const SLACK_MS = 250;

/** One per process or worker thread, made with the first connection. */
let bridge;

/** The native package for this machine, or why there is none. */
function load() {
  const name = `@kenwell/redis-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
  try {
    // Not written as a call of `require`, so that bundlers leave it alone: what they cannot include is looked for
    // when the program runs, and when it is not there the JavaScript connection takes its place.
    const find = require;
    return { addon: find(name), problem: null };
  } catch (error) {
    return { addon: null, problem: `${name}: ${error.message.split('\n')[0]}` };
  }
}

/** Requests on their way to one server. */
class NativeConnection {
  constructor(addon, settings) {
    bridge ??= new addon.Bridge(drain);
    try {
      this.handle = bridge.open(JSON.stringify(settings));
    } catch (error) {
      throw failure(error.message);
    }
    this.limit = settings.commandTimeoutMs;
    this.buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.used = 0;
    this.ids = [];
    this.flush = () => this.submit();
  }

  submit() {
    const { buffer, used, ids } = this;
    if (used === 0) return;
    this.used = 0;
    this.ids = [];
    if (buffer.length > KEPT_BYTES) this.buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    try {
      bridge.submit(this.handle, buffer, used);
    } catch (error) {
      for (const id of ids) pending.reject(id, new KenwellError('KENWELL_CONNECTION', error.message));
    }
  }

  fetch(keys, refresh, profileKey, end) {
    return this.ask(FETCH, keys.length, 0, end, () => {
      for (let index = 0; index < keys.length; index++) {
        this.text(keys[index]);
        this.number(refresh ? refresh[index] : 0);
      }
      this.option(profileKey);
    });
  }

  store(writes, end) {
    return this.ask(STORE, writes.length, bytesOf(writes), end, () => this.writes(writes));
  }

  storeUnchanged(expected, writes, end) {
    return this.ask(STORE_UNCHANGED, expected.length, bytesOf(expected) + bytesOf(writes), end, () => {
      for (const { key, value } of expected) {
        this.text(key);
        this.option(value);
      }
      this.number(writes.length);
      this.writes(writes);
    });
  }

  remove(keys, end) {
    return this.ask(REMOVE, keys.length, 0, end, () => {
      for (const key of keys) this.text(key);
    });
  }

  /** What becomes of a call whose time is over, though native code keeps the same time. */
  late(operation) {
    drain();
    return operation === STORE_UNCHANGED ? uncertain(timeout(this.limit)) : timeout(this.limit);
  }

  close() {
    if (this.used > 0) this.submit();
    bridge.close(this.handle);
  }

  /** One request: `write` puts its body into the buffer. A request is there as a whole or not at all. */
  ask(operation, count, bytes, end, write) {
    const send = (id) => {
      if (this.ids.length >= MAX_CALLS) this.submit();
      const before = this.used;
      try {
        this.number(id);
        this.byte(operation);
        this.number(count);
        write();
      } catch (error) {
        this.used = before;
        throw error;
      }
      this.ids.push(id);
      // After everything else that this turn still has to do, so that one submission carries all of it.
      if (before === 0) soon(this.flush);
    };
    return pending.call({ send, bytes, end: end + SLACK_MS, late: () => this.late(operation), id: 0, resolve: null, reject: null });
  }

  writes(writes) {
    for (const { key, value, ttl } of writes) {
      this.text(key);
      this.text(value);
      this.number(ttl);
    }
  }

  byte(byte) {
    this.reserve(1);
    this.buffer[this.used++] = byte;
  }

  number(number) {
    this.reserve(4);
    this.used = this.buffer.writeUInt32LE(number, this.used);
  }

  option(text) {
    const isThere = text !== null && text !== undefined;
    this.byte(isThere ? 1 : 0);
    if (isThere) this.text(text);
  }

  text(text) {
    const isText = typeof text === 'string';
    this.reserve(4 + (isText ? 3 * text.length : text.length));
    const start = this.used + 4;
    if (!isText) this.buffer.set(text, start);
    const length = isText ? this.buffer.write(text, start) : text.length;
    this.buffer.writeUInt32LE(length, this.used);
    this.used = start + length;
  }

  reserve(bytes) {
    const needed = this.used + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

function bytesOf(texts) {
  let bytes = 0;
  for (const { value } of texts) bytes += value ? value.length : 0;
  return bytes;
}

/** The number of an answer to everything: native code could not read what we sent. */
const EVERYTHING = 0xffffffff;

/** Called by native code when there are answers. */
function drain() {
  const answers = bridge.take();
  const reader = new Answers(answers);
  while (reader.at < answers.length) reader.settle();
}

/** Reads answers, and settles the calls that wait for them. */
class Answers {
  constructor(buffer) {
    this.buffer = buffer;
    this.at = 0;
  }

  settle() {
    const id = this.number();
    const kind = this.byte();
    if (kind === 1) pending.resolve(id, { values: this.values(), profile: this.profile() });
    else if (kind === 2) pending.resolve(id, undefined);
    else if (kind === 3) pending.resolve(id, this.byte() === 1);
    else if (kind === 4) pending.resolve(id, this.number());
    else if (id === EVERYTHING) pending.rejectAll(failure(this.text()));
    else pending.reject(id, failure(this.text()));
  }

  values() {
    const values = new Array(this.number());
    for (let index = 0; index < values.length; index++) {
      const kind = this.byte();
      values[index] = kind === 0 ? null : kind === 1 ? this.value() : failure(this.text());
    }
    return values;
  }

  profile() {
    if (this.byte() === 0) return null;
    const fields = new Map();
    for (let left = this.number(); left > 0; left--) fields.set(this.text(), this.text());
    return fields;
  }

  byte() {
    return this.buffer[this.at++];
  }

  number() {
    const number = this.buffer.readUInt32LE(this.at);
    this.at += 4;
    return number;
  }

  text() {
    const start = this.at + 4;
    const end = start + this.number();
    this.at = end;
    return this.buffer.toString('utf8', start, end);
  }

  /** A text, or a buffer of its own when the bytes are no text. */
  value() {
    const start = this.at + 4;
    const text = this.text();
    return text.includes('\ufffd') ? textOrBytes(this.buffer.subarray(start, this.at)) : text;
  }
}

/** An error as native code describes it. */
function failure(json) {
  const { code, message, ...details } = JSON.parse(json);
  return new KenwellError(code, inOurNames(message), details);
}

module.exports = { load, NativeConnection };
