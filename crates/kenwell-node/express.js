// Sessions of express-session and @fastify/session in Redis.
'use strict';

const { RedisStore } = require('./lib/express-store');
const { KenwellError } = require('./lib/error');

module.exports = { RedisStore, KenwellError };
