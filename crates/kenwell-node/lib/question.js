// Questions of our own about servers, for which no caller waits: they are bounded in time, and keep no process alive.
'use strict';

const { PartialCall } = require('./call');
const { Alarm, now } = require('./clock');
const { replyLimits } = require('./reply-limits');

/** The longest to wait for one server's answer about the others, unless the settings allow even less: another one can be asked. */
const QUESTION_MS = 2000;

/** The settings of a connection on which such questions are asked. */
function hurried(settings) {
  const { connectTimeoutMs, commandTimeoutMs } = settings;
  return { ...settings, connectTimeoutMs: Math.min(connectTimeoutMs, QUESTION_MS), commandTimeoutMs: Math.min(commandTimeoutMs, QUESTION_MS) };
}

/** Asks one command, and gives a promise of the reply, which may be an `ErrorReply`. */
function ask(connection, command) {
  const { connectTimeoutMs, commandTimeoutMs } = connection.settings;
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => part.fail(part.late()));
    const question = { commands: [command], replyLimits: replyLimits([command]), read: ([reply]) => reply };
    const part = new PartialCall(connection, question, null, true, (error, reply) => {
      alarm.clear();
      if (error === null) resolve(reply);
      else reject(error);
    });
    alarm.set(now() + connectTimeoutMs + commandTimeoutMs);
    part.send();
  });
}

module.exports = { ask, hurried };
