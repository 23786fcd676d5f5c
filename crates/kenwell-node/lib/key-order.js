// Calls on one key take effect in the order in which they were begun, though their answers may come from several nodes of a
// cluster: one that changes something begins when all older ones on its keys have ended.
'use strict';

const { Fifo } = require('./fifo');

/** Who uses a key now, and who waits for it. */
class Place {
  constructor() {
    this.readers = 0;
    this.isChanged = false;
    this.waiting = new Fifo();
  }

  isFree(turn) {
    return !this.isChanged && (this.readers === 0 || !turn.changes);
  }

  enter(turn) {
    if (turn.changes) this.isChanged = true;
    else this.readers += 1;
  }

  leave(turn) {
    if (turn.changes) this.isChanged = false;
    else this.readers -= 1;
  }

  isUnused() {
    return !this.isChanged && this.readers === 0 && this.waiting.length === 0;
  }
}

/** A call's place among the others on its keys. */
class Turn {
  constructor(keys, changes, begin) {
    this.keys = [...new Set(keys.map(String))];
    this.changes = changes;
    this.begin = begin;
    /** The keys that it has to wait for no more. */
    this.held = new Set();
    this.left = false;
  }

  /** Whether no older call has to end first. */
  hasCome() {
    return this.held.size === this.keys.length;
  }
}

/** Bounded by the number of calls that may wait. */
class KeyOrder {
  constructor() {
    this.places = new Map();
  }

  /** Gives a call's `Turn`; when it has not come yet, `begin` is called later. */
  enter(keys, changes, begin) {
    const turn = new Turn(keys, changes, begin);
    for (const key of turn.keys) {
      let place = this.places.get(key);
      if (place === undefined) this.places.set(key, (place = new Place()));
      if (place.waiting.length > 0 || !place.isFree(turn)) place.waiting.push(turn);
      else this.hold(place, key, turn);
    }
    return turn;
  }

  /** The call has ended, whether its turn has come or not. */
  leave(turn) {
    if (turn.left) return;
    turn.left = true;
    const begun = [];
    for (const key of turn.keys) {
      const place = this.places.get(key);
      if (turn.held.has(key)) place.leave(turn);
      this.advance(place, key, begun);
      if (place.isUnused()) this.places.delete(key);
    }
    for (const next of begun) if (!next.left) next.begin();
  }

  hold(place, key, turn) {
    place.enter(turn);
    turn.held.add(key);
  }

  /** Lets those in who can be; `begun` gets the ones that wait for nothing more. */
  advance(place, key, begun) {
    while (place.waiting.length > 0) {
      const { first } = place.waiting;
      if (!first.left) {
        if (!place.isFree(first)) return;
        this.hold(place, key, first);
        if (first.hasCome()) begun.push(first);
      }
      place.waiting.shift();
    }
  }
}

module.exports = { KeyOrder };
