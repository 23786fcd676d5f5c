// How many bytes the reply to each command may take, so that no server takes more memory than it has to give.
'use strict';

/** A status, an error, a number; also what comes without being asked for. */
const SHORT_BYTES = 64 * 1024;
/** What a server tells about itself. */
const REPORT_BYTES = 16 * 1024 * 1024;
/** A profile; its names and values count as some bytes more each. */
const HASH_BYTES = 64 * 1024 * 1024;
/** A value: Redis' own limit, and the line around it. */
const VALUE_BYTES = 512 * 1024 * 1024 + SHORT_BYTES;

/** Whatever reads more than a status or a number stands here. */
const LIMITS = new Map([
  ['GET', VALUE_BYTES],
  ['GETEX', VALUE_BYTES],
  ['LRANGE', VALUE_BYTES],
  ['HGETALL', HASH_BYTES],
  ['CLIENT', REPORT_BYTES],
  ['CLUSTER', REPORT_BYTES],
  ['SCAN', REPORT_BYTES],
]);

/** One number for each of the commands that are sent together, in order. */
function replyLimits(commands) {
  let together = SHORT_BYTES;
  return commands.map(([name]) => {
    if (name === 'EXEC') return together;
    const limit = LIMITS.get(name) ?? SHORT_BYTES;
    if (name !== 'MULTI') together += limit;
    return limit;
  });
}

/** Numbers for more commands than this are not kept. */
const MAX_KEPT = 64;
/** From a command's name to the numbers for one, two, … of it. */
const kept = new Map();

/** The same for so many commands of this name, in a transaction if there are several. */
function replyLimitsOf(name, count) {
  const make = () => {
    const commands = new Array(count).fill([name]);
    return replyLimits(count > 1 ? [['MULTI'], ...commands, ['EXEC']] : commands);
  };
  if (count > MAX_KEPT) return make();
  let ofName = kept.get(name);
  if (ofName === undefined) kept.set(name, (ofName = []));
  return (ofName[count] ??= make());
}

module.exports = { SHORT_BYTES, replyLimits, replyLimitsOf };
