// The connections of this process: one for each set of connection settings, shared by all plugins and stores.
//
// They live in this module and nowhere else. Jovo copies the whole app, plugins included, for every request, and a
// native object does not survive being copied.
'use strict';

const { identity, read } = require('./settings');
const native = require('./native');
const { JavaScriptConnection } = require('./javascript-connection');

/** The most connections that are kept; beyond that the one that was not used for longest is closed. */
const MAX_CONNECTIONS = 256;

/** From the settings' identity to the connection, least recently used first. */
const kept = new Map();

/**
 * Which part speaks to a standalone server. A call in JavaScript wakes no other thread on its way, so that part does; a
 * cluster and Sentinels need the native part. KENWELL_NATIVE=on gives it every server, KENWELL_NATIVE=off none: to compare,
 * and to diagnose.
 */
const choice = process.env.KENWELL_NATIVE;
const { addon, problem } = choice === 'off' ? { addon: null, problem: 'KENWELL_NATIVE is off' } : native.load();

function open(settings) {
  const isNative = addon !== null && (choice === 'on' || settings.cluster || settings.sentinel !== null);
  return isNative ? new native.NativeConnection(addon, settings) : new JavaScriptConnection(settings);
}

/**
 * The connection that a configuration asks for; `key` is its identity. Throws KENWELL_SETTINGS when it asks for something
 * impossible.
 */
function connection(config, key = identity(config)) {
  let found = kept.get(key);
  if (found === undefined) {
    found = open(read(config));
  } else if (kept.size === 1) {
    return found;
  }
  // Moves it to the end of the map.
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > MAX_CONNECTIONS) {
    const [oldest, unused] = kept.entries().next().value;
    kept.delete(oldest);
    unused.close();
  }
  return found;
}

/** Whether the native part is there, and why it is not. */
const transport = { native: addon !== null, problem };

module.exports = { connection, transport };
