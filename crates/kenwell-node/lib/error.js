// The one kind of error that this package makes, and the codes that programs match on.
'use strict';

/**
 * KENWELL_SETTINGS       a setting cannot work, or does not fit the server
 * KENWELL_CONNECTION     Redis cannot be reached, or the connection broke (`systemCode`: ECONNREFUSED, …)
 * KENWELL_TLS            the TLS handshake failed
 * KENWELL_TIMEOUT        no answer in time, or a hook took too long; a write may have taken effect
 * KENWELL_REFUSED        Redis answered with an error (`redisCode`: WRONGTYPE, NOAUTH, OOM, …)
 * KENWELL_CORRUPT_VALUE  what is stored cannot be decoded or is no record, or was found so before and must not be overwritten
 * KENWELL_CONFLICT       somebody else has saved since this was loaded, or it was not loaded and something is stored
 * KENWELL_UNCERTAIN      the connection broke, and repeating the call could do harm (saveIfUnchanged, update, appendHistory,
 *                        or a newer call has overtaken it, or bytes of an older one may still arrive): load again to see
 * KENWELL_HOOK           a hook returned something that is no key or no value
 * KENWELL_TOO_LARGE      a value is larger than maxValueBytes
 * KENWELL_CLOSED         the store was closed by this program
 * KENWELL_BUSY           more calls or bytes are waiting for Redis than the bounds allow
 * KENWELL_NATIVE         the native part is of another version than this JavaScript, and did not understand it
 */
class KenwellError extends Error {
  /**
   * @param {string} code one of the above
   * @param {string} message names settings, keys and entries; never a value or a password
   * @param {object} [details] `key`, `entry`, `redisCode`, `systemCode`, `retryable`, `cause`
   */
  constructor(code, message, details = {}) {
    const { cause, ...fields } = details;
    super(printable(message), cause === undefined ? undefined : { cause });
    this.name = 'KenwellError';
    this.code = code;
    this.retryable = false;
    Object.assign(this, fields);
  }
}

/** What ends a line, steers a terminal, turns the direction of a text, or cannot be seen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0]/gu;

/** The same text on one line that shows all that is in it: messages repeat words of servers. */
function printable(text) {
  return String(text).replace(UNPRINTABLE, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** The most characters of a key that a message shows. */
const MAX_SHOWN = 200;

/** A key as messages show it: one line, not endless. The error's `key` has all of it. */
function shown(key) {
  const text = JSON.stringify(String(key));
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…"` : text;
}

/** The same error, with the place that it is about. */
function at(error, entry, key) {
  if (!(error instanceof KenwellError) || error.key !== undefined) return error;
  const { code, message, name, stack, index, ...fields } = error;
  return new KenwellError(code, `entry "${entry}" (key ${shown(key)}): ${message}`, { ...fields, cause: error.cause, key: String(key), entry });
}

function lost(why) {
  return new KenwellError('KENWELL_CONNECTION', `the connection to Redis was lost: ${why}`, { retryable: true });
}

function timeout(limit, what = 'the call') {
  return new KenwellError('KENWELL_TIMEOUT', `${what} took longer than ${limit} ms`, { retryable: true });
}

/** A setting, an option or a part of a record that cannot work. */
function wrong(setting, problem) {
  return new KenwellError('KENWELL_SETTINGS', `setting ${setting}: ${problem}`, { setting });
}

/** A comparison was sent and not answered. */
function uncertain(error) {
  return new KenwellError('KENWELL_UNCERTAIN', `whether this was saved is not known, load again to see: ${error.message}`);
}

/** It was sent, and a newer call on the same key was sent behind it; to repeat it would undo that one. */
function overtaken(error) {
  return new KenwellError('KENWELL_UNCERTAIN', `whether this took effect is not known, and a newer call on the same key has overtaken it: ${error.message}`);
}

/** It was done, but Redis may still hold bytes of an older call that was given up. */
function unsettled() {
  return new KenwellError('KENWELL_UNCERTAIN', 'this was done, but an older call on the same key that was given up may still be executed and undo it; permit +client|kill and +client|info, or repeat it after a minute');
}

module.exports = { KenwellError, at, lost, overtaken, shown, timeout, uncertain, unsettled, wrong };
