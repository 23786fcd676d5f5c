// What can be asked of Redis, whichever servers answer: the calls of the JavaScript connections.
'use strict';

const commands = require('./commands');
const presence = require('./presence-commands');

/** A connection has `ask(question, changes, repeatable, end)`, which gives a promise of the answer. */
class RedisCalls {
  fetch(keys, refresh, profileKey, end) {
    return this.ask(commands.fetch(keys, refresh, profileKey), refresh ? keys : null, true, end);
  }

  store(writes, end) {
    return this.ask(commands.store(writes), writes, true, end);
  }

  storeUnchanged(expected, writes, end) {
    return this.ask(commands.storeUnchanged(expected, writes), writes, false, end);
  }

  remove(keys, end) {
    return this.ask(commands.remove(keys), keys, true, end);
  }

  touch(touches, end) {
    return this.ask(presence.touch(touches), touches, true, end);
  }

  exist(keys, end) {
    return this.ask(presence.exist(keys), null, true, end);
  }

  inspect(keys, end) {
    return this.ask(presence.inspect(keys), null, true, end);
  }

  /** A second attempt could add the turns twice. */
  append(appended, end) {
    return this.ask(presence.append(appended), [appended], false, end);
  }

  items(key, size, end) {
    return this.ask(presence.items(key, size), null, true, end);
  }
}

module.exports = { RedisCalls };
