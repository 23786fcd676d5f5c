// The reader of Redis' replies: however they are cut, and whatever else comes instead of them.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');

const { encode } = require('../lib/command-writer');
const { ErrorReply, Parser } = require('../lib/resp');
const { JavaScriptConnection } = require('../lib/javascript-connection');
const { read } = require('../lib/settings');
const { random, seed } = require('./support/random');

/** What a parser makes of these chunks. */
function parsed(chunks) {
  const parser = new Parser();
  const replies = [];
  for (const chunk of chunks) parser.push(chunk, (reply) => replies.push(reply));
  return replies;
}

/** A reply, and its bytes. */
function reply(next, depth = 0) {
  const kind = next(depth < 3 ? 7 : 6);
  const text = Array.from({ length: next(12) }, () => ['a', 'é', '€', '𝄞', ' ', '0', '-'][next(7)]).join('');
  if (kind === 0) return [text, Buffer.from(`+${text}\r\n`)];
  if (kind === 1) return [new ErrorReply(`ERR ${text}`), Buffer.from(`-ERR ${text}\r\n`)];
  if (kind === 2) {
    const number = [0, 1, -1, next(2 ** 31), -next(2 ** 31), Number.MAX_SAFE_INTEGER, 9223372036854775807n, -9223372036854775808n][next(8)];
    return [number, Buffer.from(`:${number}\r\n`)];
  }
  if (kind === 3) return [null, Buffer.from(next(2) ? '$-1\r\n' : '*-1\r\n')];
  if (kind < 6) {
    const bytes = Buffer.from(Array.from({ length: [0, 1, 2, 13, 300][next(5)] }, () => [0x0d, 0x0a, 0x24, 0x2a, next(256)][next(5)]));
    return [bytes, Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])];
  }
  const items = Array.from({ length: next(5) }, () => reply(next, depth + 1));
  return [items.map(([item]) => item), Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items.map(([, bytes]) => bytes)])];
}

/** Cuts bytes anywhere. */
function cut(bytes, next) {
  const chunks = [];
  const longest = [1, 2, 5, 100, bytes.length][next(5)];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + next(longest));
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

test('however a stream of replies is cut, they are the same', () => {
  const began = seed();
  const next = random(began);
  for (let round = 0; round < 2000; round++) {
    const replies = Array.from({ length: 1 + next(6) }, () => reply(next));
    const bytes = Buffer.concat(replies.map(([, encoded]) => encoded));
    assert.deepEqual(parsed(cut(bytes, next)), replies.map(([value]) => value), `seed ${began}, round ${round}`);
  }
});

test('bytes that are no replies are refused, and nothing is made of what follows', () => {
  const bad = [
    '*abc\r\n', '*\r\n', '*-2\r\n', '*1.5\r\n', '*1e1\r\n', '* 1\r\n', '*0x1\r\n', '*99999999999\r\n',
    '$-5\r\n', '$\r\n', '$abc\r\n', '$-0\r\n', '$ 1\r\n', '$1\n', '$99999999999\r\n', '$536870913\r\n', '$3\r\nabcd\r\n', '$3\r\nabc\n\n', '$3\r\nabcXY', '$0\r\n\n\r',
    ':\r\n', ':abc\r\n', ':1.5\r\n', ':1e3\r\n', ': 1\r\n', ':99999999999999999999\r\n', ':9223372036854775808\r\n', ':--1\r\n',
    '+OK\n', '+O\rK\r\n', '+OK\r\r\n', '-ERR\n', '\r\n', '\n', ' +OK\r\n', 'OK\r\n', 'HTTP/1.1 400 Bad Request\r\n', '_\r\n', '#t\r\n', '%1\r\n', '>1\r\n', '\0',
    '*1\r\n'.repeat(9), `+${'x'.repeat(70_000)}`, `${'*1\r\n'.repeat(8)}*abc\r\n`, '*2\r\n$1\r\na\r\n$-5\r\n', 'x',
  ];
  for (const text of bad) {
    for (const chunks of [[Buffer.from(text)], [...Buffer.from(text)].map((byte) => Buffer.from([byte]))]) {
      const parser = new Parser();
      const replies = [];
      const push = (chunk) => parser.push(chunk, (found) => replies.push(found));
      push(Buffer.from(':7\r\n'));
      assert.throws(() => chunks.forEach(push), /it sent/, JSON.stringify(text.slice(0, 40)));
      assert.throws(() => push(Buffer.from(':8\r\n')), /it sent/);
      assert.deepEqual(replies, [7], JSON.stringify(text.slice(0, 40)));
    }
  }
});

test('a changed byte never changes the replies before it, and never makes the reader hang or fail otherwise', () => {
  const began = seed();
  const next = random(began);
  for (let round = 0; round < 2000; round++) {
    const replies = Array.from({ length: 1 + next(4) }, () => reply(next));
    const bytes = Buffer.concat(replies.map(([, encoded]) => encoded));
    const at = next(bytes.length);
    const changed = Buffer.from(bytes);
    changed[at] = next(256);
    const whole = [];
    let end = 0;
    for (const [value, encoded] of replies) if ((end += encoded.length) <= at) whole.push(value);
    const found = [];
    const parser = new Parser();
    try {
      for (const chunk of cut(changed, next)) parser.push(chunk, (value) => found.push(value));
    } catch (error) {
      assert.match(error.message, /^it sent/, `seed ${began}, round ${round}`);
    }
    assert.deepEqual(found.slice(0, whole.length), whole, `seed ${began}, round ${round}`);
  }
});

test('random bytes are refused or wait for more', () => {
  const next = random(seed());
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(Array.from({ length: next(40) }, () => (next(2) ? next(256) : '+-:$*\r\n0123456789'.charCodeAt(next(17)))));
    try {
      parsed(cut(bytes, next));
    } catch (error) {
      assert.match(error.message, /^it sent/);
    }
  }
});

test('16 MiB are read once, in one value or in many, however small the pieces are', () => {
  /** Counts the bytes that are copied or searched. */
  let work = 0;
  const counted = (name, cost) => {
    const real = Buffer.prototype[name];
    Buffer.prototype[name] = function (...given) {
      const result = real.apply(this, given);
      work += cost(this, given, result);
      return result;
    };
    return () => {
      Buffer.prototype[name] = real;
    };
  };
  const concat = Buffer.concat;
  Buffer.concat = (list, length) => {
    for (const { length: bytes } of list) work += bytes;
    return concat(list, length);
  };
  const restore = [
    counted('copy', (_from, _given, copied) => copied),
    counted('indexOf', (within, [, from = 0], found) => (found < 0 ? within.length : found) - from),
    counted('toString', (from, [, start = 0, end = from.length]) => end - start),
  ];
  try {
    const [large, small] = [Buffer.alloc(16 * 1024 * 1024, '\r\n$5\r\n*'), Buffer.alloc(1000, '\r\n')];
    for (const values of [[large], new Array(16_000).fill(small)]) {
      const bytes = concat([Buffer.from(`*${values.length}\r\n`), ...values.flatMap((value) => [Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])]);
      for (const size of [1024, 100_000]) {
        work = 0;
        const chunks = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const [found] = parsed(chunks);
        assert.equal(found.length, values.length);
        assert.ok(found.every((value, index) => value.equals(values[index])));
        assert.ok(work < 6 * bytes.length, `${work / bytes.length} times the bytes`);
      }
    }
  } finally {
    for (const undo of restore) undo();
    Buffer.concat = concat;
  }
});

test('a length alone takes no memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 100 }, () => new Parser());
  for (const parser of parsers) parser.push(Buffer.from('$536870000\r\nabc'), assert.fail);
  for (const parser of parsers) parser.push(Buffer.from('abc'), assert.fail);
  assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
  assert.throws(() => new Parser().push(encode([['x']]).subarray(0, 0), assert.fail) ?? new Parser().push(Buffer.from('*16777217\r\n'), assert.fail), /too large/);
});

test('a server that breaks the protocol ends what is under way with a clear error, and the next call is answered', async () => {
  const bad = ['*abc\r\n', '$-5\r\n', '+OK\n', '$1\r\nab\r\n', '$2\r\nab\r\n:5\r\n', ':5\r\n', '*1\r\n$1\r\na\r\n', '+OK\r\n'];
  let answer;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      // The login: a greeting and a question, neither of which it knows.
      if (chunk.includes('CLIENT')) socket.write('-ERR unknown command\r\n-ERR unknown command\r\n');
      else socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new JavaScriptConnection(read({ connectionString: `redis://127.0.0.1:${server.address().port}` }));
  const end = performance.now() + 20_000;
  try {
    for (answer of bad) {
      const wrong = answer;
      const calls = [connection.fetch(['a'], null, null, end), connection.fetch(['b'], null, null, end)];
      const results = await Promise.allSettled(calls);
      const fine = wrong.startsWith('$2');
      assert.equal(results[0].status, fine ? 'fulfilled' : 'rejected', wrong);
      const { reason } = results[1];
      assert.deepEqual([reason.code, reason.retryable], ['KENWELL_CONNECTION', true], wrong);
      answer = '$2\r\nab\r\n';
      assert.deepEqual((await connection.fetch(['a'], null, null, end)).values, ['ab'], wrong);
    }
  } finally {
    connection.close();
    server.close();
  }
});
