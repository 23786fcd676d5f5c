// Sessions of grammY's bots in Redis.
'use strict';

const { RedisAdapter } = require('./lib/grammy-adapter');
const { KenwellError } = require('./lib/error');

module.exports = { RedisAdapter, KenwellError };
