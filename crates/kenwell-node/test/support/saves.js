// Saves of several users that go on while servers come and go: each user's one after the other, each with a number.
'use strict';

const assert = require('node:assert/strict');

const { until } = require('./redis');

const USERS = 10;
/** They end by themselves, and when their store is closed: also when a test has failed in between. */
const LONGEST_MS = 300_000;

class Saves {
  /** They go on from the numbers of `earlier` ones. */
  constructor(store, earlier = null) {
    this.store = store;
    this.going = true;
    this.end = performance.now() + LONGEST_MS;
    /** Of each user the number of the newest save that was begun, and of the newest that was confirmed. */
    this.users = Array.from({ length: USERS }, (_, index) => ({ id: `user-${index}`, begun: earlier?.users[index].begun ?? 0, confirmed: earlier?.users[index].confirmed ?? 0, failed: 0 }));
    this.failures = new Set();
    this.ended = Promise.all(this.users.map((user) => this.go(user)));
  }

  async go(user) {
    while (this.going && performance.now() < this.end) {
      user.begun += 1;
      try {
        await this.store.save(user.id, { user: { data: user.begun } });
        user.confirmed = user.begun;
        await new Promise((resolve) => setTimeout(resolve, 1));
      } catch (error) {
        if (error.code === 'KENWELL_CLOSED') return;
        user.failed += 1;
        this.failures.add(error.code);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /** Waits until each user has so many more saves confirmed. */
  async progress(count) {
    const before = this.users.map(({ confirmed }) => confirmed);
    await until(() => this.users.every(({ confirmed }, index) => confirmed >= before[index] + count));
  }

  /** Waits until no save is under way, and begins none. */
  async stop() {
    this.going = false;
    await this.ended;
  }

  /** Of each user the newest confirmed save is there, or a newer one that was not confirmed. */
  async check(store = this.store) {
    for (const { id, begun, confirmed } of this.users) {
      const there = (await store.load(id))?.user.data ?? 0;
      assert.ok(there >= confirmed && there <= begun, `${id} is ${there}, but ${confirmed} was confirmed, and ${begun} is the newest`);
    }
  }
}

module.exports = { Saves };
