// Redis' wire protocol, version 2: commands to bytes, bytes to replies.
'use strict';

/** Longest reply that is accepted, 512 MiB: Redis' own limit for a value. */
const MAX_REPLY_BYTES = 512 * 1024 * 1024;

/** An error that Redis answered with. */
class Refusal {
  constructor(line) {
    const space = line.indexOf(' ');
    this.code = space < 0 ? line : line.slice(0, space);
    this.text = space < 0 ? '' : line.slice(space + 1);
  }
}

/** Commands as bytes; each is a list of texts and buffers. */
function encode(commands) {
  const parts = [];
  for (const command of commands) {
    let head = `*${command.length}\r\n`;
    for (const argument of command) {
      if (typeof argument === 'string') {
        head += `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
      } else {
        parts.push(Buffer.from(`${head}$${argument.length}\r\n`), argument);
        head = '\r\n';
      }
    }
    parts.push(Buffer.from(head));
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** Takes chunks as they come, gives replies when they are complete. */
class Parser {
  constructor() {
    this.chunks = [];
    this.bytes = 0;
    this.needed = 1;
  }

  /** Calls `found` with each complete reply. Throws when the bytes are no replies. */
  push(chunk, found) {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes < this.needed) return;
    this.buffer = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
    this.at = 0;
    let whole = 0;
    this.needed = 1;
    for (let reply = this.reply(); reply !== undefined; reply = this.reply()) {
      whole = this.at;
      found(reply);
    }
    const rest = this.buffer.subarray(whole);
    this.needed = Math.max(this.needed - whole, rest.length + 1);
    if (this.needed > MAX_REPLY_BYTES) throw new Error('a reply is too long');
    this.chunks = rest.length > 0 ? [rest] : [];
    this.bytes = rest.length;
    this.buffer = null;
  }

  /** The next reply, or undefined when it is not complete. */
  reply() {
    const end = this.buffer.indexOf('\r\n', this.at);
    if (end < 0) return undefined;
    const line = this.buffer.toString('utf8', this.at + 1, end);
    const kind = this.buffer[this.at];
    this.at = end + 2;
    switch (kind) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return new Refusal(line);
      case 0x3a: // :
        return Number(line);
      case 0x24: // $
        return this.bulk(Number(line));
      case 0x2a: // *
        return this.list(Number(line));
      default:
        throw new Error('this is not what Redis answers with');
    }
  }

  bulk(length) {
    if (length < 0) return null;
    const start = this.at;
    this.at += length + 2;
    if (this.at <= this.buffer.length) return this.buffer.subarray(start, start + length);
    this.needed = this.at;
    return undefined;
  }

  list(length) {
    if (length < 0) return null;
    const items = [];
    while (items.length < length) {
      const item = this.reply();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

module.exports = { encode, Parser, Refusal };
