// What the JavaScript connection says to Redis about values without reading or writing them, and about lists.
'use strict';

const { answers, check, contentOf, odd, together } = require('./commands');
const { replyLimits } = require('./reply-limits');
const { ErrorReply } = require('./resp');

/** Commands in one transaction, and `read(answers)`: one answer for each of them. */
function all(list, read) {
  const commands = together(list);
  return { commands, replyLimits: replyLimits(commands), read: (replies) => read(answers(replies, list.length)) };
}

/** Whether any of these commands has found something. */
function any(given) {
  check(given);
  if (!given.every((count) => count === 0 || count === 1)) throw odd();
  return given.includes(1);
}

/**
 * `EXPIRE`, once the value was read, which is refused at a key of another type; `EXPIRE` alone would give a new time to what is
 * somebody else's. The native connection has the same script (crates/kenwell/src/state/values/expiry.rs).
 */
const EXPIRE = `
local found = redis.pcall(ARGV[2], KEYS[1], unpack(ARGV, 3))
if type(found) == 'table' and found.err then return found end
return redis.pcall('EXPIRE', KEYS[1], ARGV[1])`;

/** A new time to live, in seconds, for a value, or for a list. */
const expire = (key, list, ttl) => ['EVAL', EXPIRE, '1', key, String(ttl), ...(list ? ['LRANGE', '0', '0'] : ['GET'])];

function touch(touches) {
  return all(touches.map(({ key, list, ttl }) => (ttl > 0 ? expire(key, list, ttl) : ['EXISTS', key])), any);
}

function exist(keys) {
  return all(keys.map((key) => ['EXISTS', key]), any);
}

/** Of each key null, or its value (null when it is no string) and for how many milliseconds it stays (null for ever). */
function inspect(keys) {
  return all(keys.flatMap((key) => [['GET', key], ['PTTL', key]]), (given) => {
    const isOther = (reply) => reply instanceof ErrorReply && reply.code === 'WRONGTYPE';
    check(given.map((reply) => (isOther(reply) ? null : reply)), (index) => Math.floor(index / 2));
    return keys.map((_key, index) => {
      const [value, left] = given.slice(2 * index, 2 * index + 2);
      if (typeof left !== 'number' && typeof left !== 'bigint') throw odd();
      if (value === null) return null;
      return { value: isOther(value) ? null : contentOf(value), left: left < 0 ? null : Number(left) };
    });
  });
}

function append({ key, items, size, ttl }) {
  const commands = [['LPUSH', key, ...items], ['LTRIM', key, '0', String(size - 1)]];
  if (ttl > 0) commands.push(expire(key, true, ttl));
  return all(commands, (given) => check(given, () => 0));
}

function items(key, size) {
  return all([['LRANGE', key, '0', String(size - 1)]], ([reply]) => {
    check([reply], () => 0);
    if (!Array.isArray(reply)) throw odd();
    return reply.map(contentOf);
  });
}

module.exports = { append, exist, inspect, items, touch };
