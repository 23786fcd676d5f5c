// Everything, also for Jovo. Programs without Jovo can use ./state.js, whose types need no framework.
'use strict';

const { RedisDb } = require('./lib/jovo');
const { StateStore, KenwellError, transport } = require('./state');

module.exports = { RedisDb, StateStore, KenwellError, transport };
