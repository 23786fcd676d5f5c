// Commands as bytes, those of one turn of the event loop behind each other in one buffer.
'use strict';

/** Room for so many bytes at a time. What was given away is not written to again, only the room behind it. */
const ROOM_BYTES = 64 * 1024;
/** Text up to this length is written character by character; for longer text a call into native code pays. */
const SHORT = 32;
/** Of longer text the bytes are counted before room is made for them. */
const LONG = ROOM_BYTES / 8;
/** What an argument takes beside its bytes: `$`, ten digits, twice a line end. */
const FRAME_BYTES = 15;

const CR = 0x0d;
const LF = 0x0a;

class CommandWriter {
  constructor() {
    this.buffer = null;
    /** From here on it was not given away yet. */
    this.start = 0;
    this.used = 0;
    /** What was complete when its buffer had no more room. */
    this.full = [];
  }

  /** Adds a command: a list of texts and buffers. */
  add(command) {
    this.reserve(FRAME_BYTES);
    this.number(0x2a, command.length); // *
    for (let index = 0; index < command.length; index++) this.argument(command[index]);
  }

  /** Whether there is nothing to take. */
  isEmpty() {
    return this.used === this.start && this.full.length === 0;
  }

  /** What was added since the last time, as a list of buffers. */
  take() {
    const taken = this.full;
    if (this.used > this.start) taken.push(this.buffer.subarray(this.start, this.used));
    this.start = this.used;
    this.full = [];
    return taken;
  }

  argument(given) {
    if (typeof given !== 'string') {
      this.reserve(FRAME_BYTES + given.length);
      this.number(0x24, given.length); // $
      this.buffer.set(given, this.used);
      this.used += given.length;
    } else {
      this.reserve(FRAME_BYTES + (given.length > LONG ? Buffer.byteLength(given) : 3 * given.length));
      const before = this.used;
      this.number(0x24, given.length);
      const bytes = this.text(given);
      if (bytes !== given.length) {
        // Not all of it is ASCII, and so it is longer than it was said to be.
        this.used = before;
        this.number(0x24, bytes);
        this.used += this.buffer.utf8Write(given, this.used);
      }
    }
    this.lineEnd();
  }

  /** Writes a text, and gives its bytes. */
  text(text) {
    const { buffer, used } = this;
    if (text.length <= SHORT) {
      let index = 0;
      for (; index < text.length; index++) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[used + index] = code;
      }
      if (index === text.length) {
        this.used = used + index;
        return index;
      }
    }
    const bytes = buffer.utf8Write(text, used);
    this.used = used + bytes;
    return bytes;
  }

  number(kind, number) {
    const { buffer } = this;
    buffer[this.used++] = kind;
    let unit = 1;
    while (unit * 10 <= number) unit *= 10;
    for (let rest = number; unit >= 1; unit /= 10) {
      const digit = Math.floor(rest / unit);
      buffer[this.used++] = 0x30 + digit;
      rest -= digit * unit;
    }
    this.lineEnd();
  }

  lineEnd() {
    this.buffer[this.used++] = CR;
    this.buffer[this.used++] = LF;
  }

  reserve(bytes) {
    if (this.buffer !== null && this.used + bytes <= this.buffer.length) return;
    if (this.used > this.start) this.full.push(this.buffer.subarray(this.start, this.used));
    this.buffer = Buffer.allocUnsafeSlow(Math.max(bytes, ROOM_BYTES));
    this.start = 0;
    this.used = 0;
  }
}

/** Commands as bytes. */
function encode(commands) {
  const writer = new CommandWriter();
  for (const command of commands) writer.add(command);
  return Buffer.concat(writer.take());
}

module.exports = { CommandWriter, encode };
