// What express-session wants a store to be: of its own class, which makes the sessions and cookies. It is no dependency, because
// @fastify/session needs no more than `get`, `set` and `destroy`.
'use strict';

const { EventEmitter } = require('events');

const { wrong } = require('./error');

/** Why express-session is not there. Bundlers say it in many ways. */
let problem;

/** For frameworks that make their sessions themselves. */
class BareStore extends EventEmitter {
  /** express-session sets this as soon as it gets a store. */
  set generate(_generate) {
    throw wrong('store', `express-session could not be loaded from where @kenwell/redis is installed (${problem}); install both in one place`);
  }
}

function expressStore() {
  try {
    return require('express-session').Store;
  } catch (error) {
    problem = error.message.split('\n')[0];
    return null;
  }
}

module.exports = { BaseStore: expressStore() ?? BareStore };
