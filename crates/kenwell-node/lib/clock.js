// Real time, whatever a test has put into the place of setTimeout, setImmediate, process.nextTick, …: taken when this
// module is loaded, from where fake timers look last.
'use strict';

const { performance } = require('perf_hooks');
const { clearTimeout, setImmediate, setInterval, setTimeout } = require('timers');

const { nextTick } = process;

/** Milliseconds that only go forward, however often the clock on the wall is set. */
const now = performance.now.bind(performance);

// Jest can have its fakes in place before any module is loaded. A `nextTick` that lets an immediate go first is one.
let later = setImmediate;
let decided = false;
nextTick(() => {
  if (!decided) later = nextTick;
});
setImmediate(() => {
  decided = true;
}).unref();

/** Runs something when this turn of the event loop has nothing else to do. */
function soon(action) {
  later(action);
}

/** Runs something while Node's own sockets find the real `process.nextTick`; without it they would never get on. */
function unfaked(action) {
  const found = process.nextTick;
  if (found === nextTick || later !== nextTick) return action();
  process.nextTick = nextTick;
  try {
    return action();
  } finally {
    process.nextTick = found;
  }
}

/** An alarm that is set for later than this looks in between whether the process stands still. */
const STEP_MS = 500;
/** A timer that comes so much too late says that the process stood still: frozen, or busy with something else. */
const LATE_MS = 250;
/** How long after that alarms keep quiet: what came meanwhile is read, what could not be sent is sent. */
const GRACE_MS = 1000;
/** How often at most an alarm is put off like that. */
const MAX_SPARED = 3;

/** Rings once at a time, but never before what has arrived by then was read. */
class Alarm {
  /** `needed` says whether it still matters; it is asked now and then. */
  constructor(ring, needed = () => true) {
    this.ring = ring;
    this.needed = needed;
    this.at = Infinity;
    this.timer = null;
    this.keepsAlive = false;
    /** When the process was last seen to have stood still. */
    this.woke = -Infinity;
    /** How often it was put off, and for which time of those it was last. */
    this.spared = 0;
    this.sparedFor = -Infinity;
    this.fire = () => this.look();
    this.decide = () => this.end();
  }

  /** The process does not end before it rings or is cleared. */
  keepAlive() {
    this.keepsAlive = true;
    return this;
  }

  /** For a time of `now`; of two times the earlier one counts. */
  set(at) {
    if (at >= this.at) return;
    this.at = at;
    this.spared = 0;
    this.wait();
  }

  clear() {
    this.at = Infinity;
    this.spared = 0;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  wait() {
    if (this.timer !== null) clearTimeout(this.timer);
    const from = now();
    const ms = Math.max(1, Math.min(Math.ceil(this.at - from), STEP_MS));
    this.expected = from + ms;
    this.timer = setTimeout(this.fire, ms);
    if (!this.keepsAlive) this.timer.unref();
  }

  look() {
    this.timer = null;
    if (!this.needed()) return this.clear();
    const time = now();
    if (time - this.expected > LATE_MS) this.woke = time;
    if (time < this.at) return this.wait();
    // Sockets are read before immediates are run.
    return setImmediate(this.decide);
  }

  end() {
    if (this.at === Infinity || this.timer !== null) return;
    const quiet = this.woke + GRACE_MS;
    if (this.woke !== this.sparedFor && this.spared < MAX_SPARED && now() < quiet) {
      this.spared += 1;
      this.sparedFor = this.woke;
      this.at = quiet;
      this.wait();
      return;
    }
    this.clear();
    this.ring();
  }
}

module.exports = { Alarm, now, setInterval, soon, unfaked };
