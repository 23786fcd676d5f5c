// The replies of Redis' wire protocol, version 2, from bytes. Strict, because what is misread once makes every
// reply after it the answer to another question.
'use strict';

/** Longest reply that is accepted, 512 MiB: Redis' own limit for a value. */
const MAX_REPLY_BYTES = 512 * 1024 * 1024;
/** Longest line: a status, an error, a number. */
const MAX_LINE_BYTES = 64 * 1024;
/** Most items of a list. */
const MAX_ITEMS = 16 * 1024 * 1024;
/** What an item of a list takes beside its bytes. */
const ITEM_BYTES = 64;
/** Lists in lists; ours are two deep at most. */
const MAX_DEPTH = 8;

const CR = 0x0d;
const LF = 0x0a;
/** + - : $ * */
const isKind = (byte) => byte === 0x24 || byte === 0x2a || byte === 0x2b || byte === 0x2d || byte === 0x3a;
const NO_REPLY = 'it sent something that is no reply of Redis';
/** Digits of a length below 100 MB. */
const USUAL_DIGITS = 8;
/** Room for a line or value whose end has not come yet, at first. */
const FIRST_BYTES = 256;

/** An error that Redis answered with. */
class ErrorReply {
  constructor(line) {
    const said = reasonIn(line);
    const space = said.indexOf(' ');
    this.code = space < 0 ? said : said.slice(0, space);
    this.text = space < 0 ? '' : said.slice(space + 1);
  }
}

/** When `EXEC` itself is refused, Redis puts the reason behind these words. */
const DISCARDED = 'EXECABORT Transaction discarded because of: ';

/** The reason that an error gives. Redis 6 puts the place in a script before it. */
function reasonIn(line) {
  if (line.startsWith(DISCARDED)) return line.slice(DISCARDED.length).replace(/^-/, '');
  const [, coded, reason] = /^@user_script: .*?: (-?)(.*?)\s*$/.exec(line) ?? [];
  if (reason === undefined) return line;
  return coded === '' ? `ERR ${reason}` : reason;
}

/** Takes chunks as they come, gives replies when they are complete. Looks at each byte once. */
class Parser {
  /**
   * `limitOfNext` tells how many bytes the reply that begins may take, `valueOf` what becomes of the bytes of a value from
   * `start` to `end`.
   */
  constructor(limitOfNext = () => MAX_REPLY_BYTES, valueOf = (bytes, start, end) => bytes.subarray(start, end)) {
    this.limitOfNext = limitOfNext;
    this.valueOf = valueOf;
    /** The bytes that the reply which is being read may take. */
    this.most = 0;
    /** What has come of a line or value that is not complete: a buffer that grows, and how much of it is used. */
    this.kept = null;
    this.held = 0;
    /** The bytes of the value that is being read, with its line end; 0 while a line is. */
    this.wanted = 0;
    /** The lists that are open, the innermost last. */
    this.lists = [];
    /** The bytes of the reply that is being read. */
    this.bytes = 0;
    /** Where to go on after what `lengthAt` has read. */
    this.after = 0;
    this.broken = false;
  }

  /** Calls `found` with each complete reply. Throws when the bytes are no replies, and from then on always. */
  push(chunk, found) {
    if (this.broken) throw new Error(NO_REPLY);
    try {
      for (let at = 0; at < chunk.length; ) at = this.wanted > 0 ? this.value(chunk, at, found) : this.line(chunk, at, found);
    } catch (error) {
      this.broken = true;
      this.release();
      this.lists = [];
      throw error;
    }
  }

  /** Reads on in a line; gives where to go on. */
  line(chunk, at, found) {
    if (this.held === 0) {
      const kind = chunk[at];
      this.begin(kind);
      if (kind === 0x24 && this.lengthAt(chunk, at + 1)) return this.after;
      if (kind === 0x2b && this.statusAt(chunk, at + 1, found)) return this.after;
    }
    const feed = chunk.indexOf(LF, at);
    const end = feed < 0 ? chunk.length : feed + 1;
    if (this.held + end - at > MAX_LINE_BYTES) throw new Error('it sent a line that is too long');
    this.count(end - at);
    if (feed < 0 || this.held > 0) this.keep(chunk, at, end);
    if (feed < 0) return end;
    const [line, start, last] = this.held > 0 ? [this.kept, 0, this.held - 2] : [chunk, at, feed - 1];
    this.release();
    if (last <= start || line.indexOf(CR, start) !== last) throw new Error('it sent a line that does not end as lines do');
    this.understand(line[start], line.toString('utf8', start + 1, last), found);
    return end;
  }

  /**
   * The length of a value when it lies whole in this chunk and is nothing unusual: then `wanted` is set, and `after` is where
   * to go on. Everything else is left to `understand`, which costs a text for each line.
   */
  lengthAt(chunk, start) {
    let length = 0;
    let at = start;
    for (let byte = chunk[at]; byte >= 0x30 && byte <= 0x39; byte = chunk[++at]) length = length * 10 + byte - 0x30;
    if (at === start || at - start > USUAL_DIGITS || chunk[at] !== CR || chunk[at + 1] !== LF) return false;
    this.after = at + 2;
    this.count(this.after - start + 1);
    this.fits(length);
    this.wanted = length + 2;
    return true;
  }

  /** The same for the two statuses that our commands are answered with. */
  statusAt(chunk, start, found) {
    const status = chunk[start] === 0x4f ? 'OK' : 'QUEUED';
    const end = start + status.length;
    if (chunk[end] !== CR || chunk[end + 1] !== LF) return false;
    for (let index = 0; index < status.length; index++) if (chunk[start + index] !== status.charCodeAt(index)) return false;
    this.after = end + 2;
    this.count(this.after - start + 1);
    this.add(status, found);
    return true;
  }

  /** Reads on in a value; gives where to go on. */
  value(chunk, at, found) {
    const end = Math.min(chunk.length, at + this.wanted - this.held);
    this.count(end - at);
    const whole = this.held + end - at === this.wanted;
    if (!whole || this.held > 0) this.keep(chunk, at, end);
    if (!whole) return end;
    const [bytes, start] = this.held > 0 ? [this.kept, 0] : [chunk, at];
    const last = start + this.wanted - 2;
    this.release();
    this.wanted = 0;
    if (bytes[last] !== CR || bytes[last + 1] !== LF) throw new Error('it sent a value that is longer than it said');
    this.add(this.valueOf(bytes, start, last), found);
    return end;
  }

  /** A reply begins, or an item of one. */
  begin(kind) {
    if (!isKind(kind)) throw new Error(NO_REPLY);
    if (this.lists.length > 0) this.count(ITEM_BYTES);
    else this.most = this.limitOfNext();
  }

  count(bytes) {
    this.bytes += bytes;
    this.fits(0);
  }

  /** Makes sure of so many more bytes before they come. */
  fits(bytes) {
    if (this.bytes + bytes > this.most) throw new Error(`it sent a reply of more than ${this.most} bytes, the most that this command can answer with`);
  }

  /**
   * Keeps part of a line or value. The room doubles when it is used up, so that however small the pieces are, each byte
   * is copied about twice.
   */
  keep(chunk, at, end) {
    const needed = this.held + end - at;
    if (this.kept === null || needed > this.kept.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * needed, FIRST_BYTES));
      this.kept?.copy(larger, 0, 0, this.held);
      this.kept = larger;
    }
    chunk.copy(this.kept, this.held, at, end);
    this.held = needed;
  }

  /** What was kept is complete and given away. */
  release() {
    this.kept = null;
    this.held = 0;
  }

  understand(kind, text, found) {
    switch (kind) {
      case 0x2b: // +
        return this.add(text, found);
      case 0x2d: // -
        return this.add(new ErrorReply(text), found);
      case 0x3a: // :
        return this.add(integer(text), found);
      case 0x24: {
        // $
        const length = lengthOf(text, MAX_REPLY_BYTES);
        if (length < 0) return this.add(null, found);
        this.fits(length);
        this.wanted = length + 2;
        return undefined;
      }
      case 0x2a: {
        // *
        const length = lengthOf(text, MAX_ITEMS);
        if (length <= 0) return this.add(length < 0 ? null : [], found);
        this.fits(length * ITEM_BYTES);
        if (this.lists.length >= MAX_DEPTH) throw new Error('it sent lists in lists in lists');
        this.lists.push({ items: [], length });
        return undefined;
      }
      default:
        throw new Error(NO_REPLY);
    }
  }

  /** Puts something complete into the list that is open, or gives it away. */
  add(item, found) {
    let complete = item;
    for (;;) {
      const list = this.lists[this.lists.length - 1];
      if (list === undefined) break;
      list.items.push(complete);
      if (list.items.length < list.length) return;
      this.lists.pop();
      complete = list.items;
    }
    this.bytes = 0;
    found(complete);
  }
}

/** A number of 64 bits; a bigint where a number would not be exact. */
function integer(text) {
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) throw new Error('it sent a number that is none');
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  const exact = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, exact) !== exact) throw new Error('it sent a number that is too large');
  return exact;
}

/** A length; -1 stands for nothing. */
function lengthOf(text, most) {
  if (text === '-1') return -1;
  if (!/^[0-9]{1,10}$/.test(text)) throw new Error('it sent a length that is none');
  const length = Number(text);
  if (length > most) throw new Error('it sent a length that is too large');
  return length;
}

module.exports = { ErrorReply, Parser };
