// The state store alone, without Jovo.
'use strict';

const { StateStore } = require('./lib/state-store');
const { KenwellError } = require('./lib/error');
const { transport } = require('./lib/connections');

module.exports = { StateStore, KenwellError, transport };
