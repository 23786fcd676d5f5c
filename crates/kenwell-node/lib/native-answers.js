// What native code answers: read from one buffer, and given to the calls that wait. crates/kenwell-node/src/outbox.rs is
// the other side.
'use strict';

const { KenwellError } = require('./error');
const pending = require('./pending-calls');
const { inOurNames } = require('./tls-explanation');
const { textOrBytes } = require('./values');

/** The number of an answer to everything: native code could not read what we sent. */
const EVERYTHING = 0xffffffff;

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
    else if (kind === 6) pending.resolve(id, this.list(() => this.presence()));
    else if (kind === 7) pending.resolve(id, this.list(() => this.value()));
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

  list(item) {
    const items = new Array(this.number());
    for (let index = 0; index < items.length; index++) items[index] = item();
    return items;
  }

  /** What lies at a key, and how long it stays. */
  presence() {
    const kind = this.byte();
    if (kind === 0) return null;
    const value = kind === 1 ? this.value() : null;
    const left = this.byte() === 0 ? null : this.buffer.readDoubleLE(this.at);
    if (left !== null) this.at += 8;
    return { value, left };
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

module.exports = { Answers, failure };
