// What the JavaScript connection says to Redis, and what it makes of the replies.
'use strict';

const { KenwellError, lost, shown } = require('./error');
const { replyLimitsOf } = require('./reply-limits');
const { ErrorReply } = require('./resp');
const { textOrBytes } = require('./values');

/** Compares what is stored with what is expected, then writes; one atomic step. 1: written, 0: something differs. */
const STORE_UNCHANGED = `
local expected = tonumber(ARGV[1])
for i = 1, expected do
  local stored = redis.pcall('GET', KEYS[i])
  if type(stored) == 'table' then return stored end
  local wanted = ARGV[2 * i] == '1'
  if wanted ~= (stored ~= false) or (wanted and stored ~= ARGV[2 * i + 1]) then return 0 end
end
for i = expected + 1, #KEYS do
  local value, ttl = ARGV[2 * i], ARGV[2 * i + 1]
  local reply
  if ttl == '0' then reply = redis.pcall('SET', KEYS[i], value) else reply = redis.pcall('SET', KEYS[i], value, 'EX', ttl) end
  if reply.err then return reply end
end
return 1`;

/** A value in a reply: a text, or bytes that are none. A status is no value, though it is a text. */
class Value {
  constructor(content) {
    this.content = content;
  }
}

/** What becomes of the bytes of a value. */
const valueOf = (bytes, start, end) => new Value(textOrBytes(bytes, start, end));

/** Commands that are executed together, and nothing in between. */
const together = (commands) => (commands.length > 1 ? [['MULTI'], ...commands, ['EXEC']] : commands);

function fetch(keys, refresh, profileKey) {
  const reads = keys.map((key, index) => (refresh && refresh[index] > 0 ? ['GETEX', key, 'EX', String(refresh[index])] : ['GET', key]));
  const commands = together(reads);
  const limits = replyLimitsOf('GET', reads.length);
  const readValues = (replies) => answers(replies, reads.length).map(contentOrRefusal);
  if (profileKey === null || profileKey === undefined) return { commands, replyLimits: limits, read: (replies) => ({ values: readValues(replies), profile: null }) };
  return {
    commands: [...commands, ['HGETALL', profileKey]],
    replyLimits: [...limits, ...replyLimitsOf('HGETALL', 1)],
    read: (replies) => ({ values: readValues(replies), profile: fields(replies[replies.length - 1], profileKey) }),
  };
}

const contentOrRefusal = (reply) => (reply instanceof ErrorReply ? refused(reply) : contentOf(reply));

function store(writes) {
  const sets = writes.map(({ key, value, ttl }) => (ttl > 0 ? ['SET', key, value, 'EX', String(ttl)] : ['SET', key, value]));
  return { commands: together(sets), replyLimits: replyLimitsOf('SET', sets.length), read: (replies) => stored(answers(replies, sets.length)) };
}

function stored(given) {
  if (given.every((reply) => reply === 'OK')) return;
  check(given);
  throw odd();
}

function storeUnchanged(expected, writes) {
  const keys = [...expected, ...writes].map(({ key }) => key);
  const values = expected.flatMap(({ value }) => (value === null ? ['0', ''] : ['1', value]));
  const writing = writes.flatMap(({ value, ttl }) => [value, String(ttl)]);
  return {
    commands: [['EVAL', STORE_UNCHANGED, String(keys.length), ...keys, String(expected.length), ...values, ...writing]],
    replyLimits: replyLimitsOf('EVAL', 1),
    read([reply]) {
      if (reply instanceof ErrorReply) throw refused(reply);
      if (reply !== 0 && reply !== 1) throw odd();
      return reply === 1;
    },
  };
}

function remove(keys) {
  const deletes = keys.map((key) => ['DEL', key]);
  return {
    commands: together(deletes),
    replyLimits: replyLimitsOf('DEL', deletes.length),
    read(replies) {
      const given = answers(replies, deletes.length);
      check(given);
      if (!given.every((count) => count === 0 || count === 1)) throw odd();
      return given.reduce((sum, count) => sum + count, 0);
    },
  };
}

/** One answer for each of the `count` commands that were sent together. */
function answers(replies, count) {
  if (count < 2) return replies.slice(0, count);
  // Without it the others were executed one by one, if at all.
  if (replies[0] instanceof ErrorReply) throw refused(replies[0]);
  const executed = replies[count + 1];
  if (Array.isArray(executed) && executed.length === count) return executed;
  if (!(executed instanceof ErrorReply)) throw odd();
  // Not executed: each command was either queued, or refused with the reason.
  return replies.slice(1, count + 1).map((reply) => (reply instanceof ErrorReply ? reply : executed));
}

/**
 * Throws the error of the command that was refused, if one was, with the number of its value. All that were sent together
 * share its fate.
 */
function check(given, valueOf = (index) => index) {
  const isRefusal = (reply) => reply instanceof ErrorReply;
  const culprit = given.findIndex((reply) => isRefusal(reply) && reply.code !== 'EXECABORT');
  const failed = culprit >= 0 ? culprit : given.findIndex(isRefusal);
  if (failed >= 0) throw Object.assign(refused(given[failed]), { index: valueOf(failed) });
}

/** Replies that answer another question than the one that was asked: the connection is out of step. */
function odd() {
  return lost('Redis answered with something that is no answer to this');
}

function contentOf(reply) {
  if (reply === null) return null;
  if (!(reply instanceof Value)) throw odd();
  return reply.content;
}

function fields(reply, profileKey) {
  if (reply instanceof ErrorReply) throw refused(reply, `profile (key ${shown(profileKey)}): `);
  if (!Array.isArray(reply) || reply.length % 2 !== 0 || !reply.every((item) => item instanceof Value)) throw odd();
  if (reply.length === 0) return null;
  const pairs = new Map();
  for (let index = 0; index < reply.length; index += 2) pairs.set(String(reply[index].content), String(reply[index + 1].content));
  return pairs;
}

/** Words behind `ERR` that are about this call alone. */
const OF_THE_CALL = ['wrong number of arguments', 'string exceeds maximum allowed size', 'ACL failure in script: No permissions to access a key', 'WRONGTYPE'];

/**
 * Whether this call will be refused whatever happens at the server: everything else may be repaired there. The native
 * connection has the same table (crates/kenwell/src/reply.rs).
 */
function isLasting(code, text) {
  return code === 'ERR' ? OF_THE_CALL.some((words) => text.includes(words)) : code === 'WRONGTYPE' || code === 'CROSSSLOT';
}

/** Redis repeats keys and values at the end of some messages; that part is cut off. */
function refused({ code, text, isOfCluster }, place = '') {
  if ((code === 'MOVED' || code === 'ASK') && !isOfCluster) {
    return new KenwellError('KENWELL_SETTINGS', `${place}this is a Redis Cluster, but the setting cluster is not set; set cluster: true`, { setting: 'cluster' });
  }
  const reason = code === 'NOPERM' && text.includes('key') ? 'no permission to access this key' : text.split(', with args beginning with')[0].slice(0, 200);
  return new KenwellError('KENWELL_REFUSED', `${place}Redis refused: ${code.slice(0, 200)} ${reason}`, { redisCode: code, retryable: !isLasting(code, text) });
}

module.exports = { Value, answers, check, contentOf, fetch, odd, refused, remove, store, storeUnchanged, together, valueOf };
