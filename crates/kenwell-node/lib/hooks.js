// What the program's own functions give: at once, or as a promise that is not waited for longer than the call may take.
'use strict';

const { Alarm } = require('./clock');
const { timeout } = require('./error');
const { thenable } = require('./values');

/**
 * Runs a generator that yields whatever a hook returned, and is given back what that comes to. Without promises the
 * result is there at once: what a caller changes after a call has begun is no part of it.
 */
function run(steps, end, limit) {
  let step = steps.next();
  while (!step.done) {
    if (thenable(step.value)) return rest(steps, step, end, limit);
    step = steps.next(step.value);
  }
  return step.value;
}

async function rest(steps, first, end, limit) {
  let step = first;
  while (!step.done) {
    let given;
    try {
      given = await inTime(step.value, end, limit);
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(given);
  }
  return step.value;
}

/** The same as `given`, but over when the call is. */
function inTime(given, end, limit) {
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => reject(timeout(limit, 'a hook'))).keepAlive();
    alarm.set(end);
    Promise.resolve(given)
      .finally(() => alarm.clear())
      .then(resolve, reject);
  });
}

module.exports = { inTime, run };
