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
const open = new Map();

/** KENWELL_NATIVE=off leaves the native part aside; it is there to compare and to diagnose. */
const { addon, problem } = process.env.KENWELL_NATIVE === 'off' ? { addon: null, problem: 'KENWELL_NATIVE is off' } : native.load();

/** The connection that a configuration asks for. Throws KENWELL_SETTINGS when it asks for something impossible. */
function connection(config) {
  const key = identity(config);
  let found = open.get(key);
  if (found === undefined) {
    const settings = read(config);
    found = addon ? new native.NativeConnection(addon, settings) : new JavaScriptConnection(settings);
  } else if (open.size === 1) {
    return found;
  }
  // Moves it to the end of the map.
  open.delete(key);
  open.set(key, found);
  if (open.size > MAX_CONNECTIONS) {
    const [oldest, unused] = open.entries().next().value;
    open.delete(oldest);
    unused.close();
  }
  return found;
}

/** Which kind of connection this process uses, and why not the native one. */
const transport = { native: addon !== null, problem };

module.exports = { connection, transport };
