// Writes of one user reach Redis in the order in which they were begun, also when hooks take their time.
'use strict';

const { Alarm, now } = require('./clock');
const { KenwellError } = require('./error');
const { thenable } = require('./values');

/** From a user to the writes that are being prepared, in the order in which they were begun. */
const preparing = new Map();

/**
 * Gives what is `prepared` to `send` as soon as nothing older of the same user is left; gives a promise of what that
 * returns. `placeOf` names the user.
 */
function inTurn(placeOf, prepared, end, send) {
  if (!thenable(prepared) && preparing.size === 0) return send(prepared);
  const place = placeOf();
  if (!thenable(prepared) && !preparing.has(place)) return send(prepared);
  const turn = { passed: false, leave: null };
  turn.gone = new Promise((resolve) => {
    turn.leave = resolve;
  });
  const turns = preparing.get(place) ?? new Set();
  const older = [...turns];
  preparing.set(place, turns.add(turn));
  return sentAfter(older, turn, prepared, end, send).finally(() => {
    turn.leave();
    turns.delete(turn);
    if (turns.size === 0) preparing.delete(place);
  });
}

async function sentAfter(older, turn, prepared, end, send) {
  const ready = await prepared;
  if (older.length > 0) {
    await within(Promise.all(older.map(({ gone }) => gone)), now() + (end - now()) / 2);
    // A hook that does not come to an end must not hold up those that do.
    for (const passed of older) passed.passed = true;
  }
  if (turn.passed) throw new KenwellError('KENWELL_TIMEOUT', 'the hooks took so long that a newer call went first; nothing was written', { retryable: true });
  const sent = send(ready);
  turn.leave();
  return sent;
}

/** Waits for a promise that is never rejected, or for a time of `now`. */
function within(promise, at) {
  return new Promise((resolve) => {
    const alarm = new Alarm(resolve).keepAlive();
    alarm.set(at);
    promise.then(() => {
      alarm.clear();
      resolve();
    });
  });
}

module.exports = { inTurn };
