// Random numbers that come again: the seed of a test that failed is in its output, KENWELL_SEED repeats it.
'use strict';

/** A generator by one of the usual small recipes (mulberry32); gives numbers from 0 up to `below`. */
function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The seed of this run. */
function seed() {
  return Number(process.env.KENWELL_SEED ?? Date.now() % 2 ** 31);
}

module.exports = { random, seed };
