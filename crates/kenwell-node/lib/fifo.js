// A queue whose front can be taken off at no cost, however long it is.
'use strict';

/** The part in front that was taken is cut off when it is at least this long, and longer than the rest. */
const SLACK = 1024;

class Fifo {
  constructor() {
    this.items = [];
    this.head = 0;
  }

  get length() {
    return this.items.length - this.head;
  }

  get first() {
    return this.items[this.head];
  }

  push(item) {
    this.items.push(item);
  }

  shift() {
    this.items[this.head] = undefined;
    this.head += 1;
    if (this.head >= SLACK && this.head > this.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }

  /** Puts these in front, in their order. */
  putFirst(items) {
    if (items.length > 0) this.items = [...items, ...this.takeAll()];
  }

  /** Takes all. */
  takeAll() {
    const items = this.items.slice(this.head);
    this.items = [];
    this.head = 0;
    return items;
  }
}

module.exports = { Fifo };
