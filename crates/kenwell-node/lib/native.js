// The connection to Redis that lives in native code: requests of one turn of the event loop go over in one buffer,
// and all answers that have come in come back in one. crates/kenwell-node/src/{frame,outbox}.rs are the other side.
'use strict';

const { now, soon } = require('./clock');
const { KenwellError, timeout, uncertain } = require('./error');
const { Answers, failure } = require('./native-answers');
const pending = require('./pending-calls');

const FETCH = 1;
const STORE = 2;
const STORE_UNCHANGED = 3;
const REMOVE = 4;
const TOUCH = 5;
const EXIST = 6;
const INSPECT = 7;
const APPEND = 8;
const ITEMS = 9;

/** Room for the requests of one turn at first; it grows with them, and shrinks again when a large turn is over. */
const INITIAL_BYTES = 16 * 1024;
const KEPT_BYTES = 1024 * 1024;

/** A longer turn is cut, so that Redis begins with its first calls while JavaScript still makes the others. */
const MAX_CALLS = 16;

/** Native code ends a call in time, and knows better what was wrong; this is for when it cannot. */
const SLACK_MS = 250;

/** How long it may take to list keys: each of many commands has its own time. */
const LISTING_MS = 600_000;
/** The most keys that are listed. */
const MAX_LISTED = 1_000_001;

/** One per process or worker thread, made with the first connection. */
let bridge;

/**
 * It listens for answers from the end of this turn on. What native code calls is made outside of the caller's own stack,
 * since Jest takes whatever a test itself makes for something that it has left open; this one keeps nothing alive.
 */
function bridgeOf(addon) {
  const made = new addon.Bridge();
  Promise.resolve().then(() => {
    made.listen(drain);
    drain();
  });
  return made;
}

/** Requests on their way to one server. */
class NativeConnection {
  constructor(addon, settings) {
    bridge ??= bridgeOf(addon);
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
    return this.askAbout(REMOVE, keys, end);
  }

  touch(touches, end) {
    return this.ask(TOUCH, touches.length, 0, end, () => {
      for (const { key, list, ttl } of touches) {
        this.text(key);
        this.byte(list ? 1 : 0);
        this.number(ttl);
      }
    });
  }

  exist(keys, end) {
    return this.askAbout(EXIST, keys, end);
  }

  inspect(keys, end) {
    return this.askAbout(INSPECT, keys, end);
  }

  append({ key, items, size, ttl }, end) {
    const bytes = items.reduce((sum, item) => sum + item.length, 0);
    return this.ask(APPEND, items.length, bytes, end, () => {
      for (const item of items) this.text(item);
      this.text(key);
      this.number(size);
      this.number(ttl);
    });
  }

  items(key, size, end) {
    return this.ask(ITEMS, size, 0, end, () => this.text(key));
  }

  /** A question that is a list of keys. */
  askAbout(operation, keys, end) {
    return this.ask(operation, keys.length, 0, end, () => {
      for (const key of keys) this.text(key);
    });
  }

  /** As the JavaScript connection gives them, but all at once: those of all servers, each known to native code only. */
  async scan(_cursor, prefix) {
    const send = (id) => bridge.keys(this.handle, id, prefix, MAX_LISTED);
    const keys = await pending.call({ send, bytes: 0, end: now() + LISTING_MS, late: () => timeout(LISTING_MS), id: 0, resolve: null, reject: null });
    // A key that is no UTF-8 is none of ours.
    return { cursor: '0', keys: keys.filter((key) => typeof key === 'string') };
  }

  /** What becomes of a call whose time is over, though native code keeps the same time. */
  late(operation) {
    drain();
    return operation === STORE_UNCHANGED || operation === APPEND ? uncertain(timeout(this.limit)) : timeout(this.limit);
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

/** Called by native code when there are answers. */
function drain() {
  const answers = bridge.take();
  const reader = new Answers(answers);
  while (reader.at < answers.length) reader.settle();
}

module.exports = { NativeConnection };
