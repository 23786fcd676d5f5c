// The connections of this process: one for each set of connection settings, shared by all plugins and stores.
//
// They live in this module and nowhere else. Jovo copies the whole app, plugins included, for every request, and a
// native object does not survive being copied.
'use strict';

const { load } = require('./addon');
const { ClusterConnection } = require('./cluster-connection');
const { JavaScriptConnection } = require('./javascript-connection');
const { NativeConnection } = require('./native');
const { SentinelConnection } = require('./sentinel-connection');
const { identity, read } = require('./settings');

/** The most connections that are kept; beyond that the one that was not used for longest is closed. */
const MAX_CONNECTIONS = 256;

/** From the settings' identity to the connection, least recently used first. */
const kept = new Map();

/**
 * Which part speaks to a standalone server. A call in JavaScript wakes no other thread on its way, so that part does; to a
 * cluster and behind Sentinels it does where the native part cannot be loaded. KENWELL_NATIVE=on gives the native part every
 * server, KENWELL_NATIVE=off none: to compare, and to diagnose.
 */
const choice = process.env.KENWELL_NATIVE;
const { addon, problem } = choice === 'off' ? { addon: null, problem: 'KENWELL_NATIVE is off' } : load();

function open(settings) {
  const isAlone = !settings.cluster && settings.sentinel === null;
  if (addon !== null && (choice === 'on' || !isAlone)) return new NativeConnection(addon, settings);
  if (isAlone) return new JavaScriptConnection(settings);
  return settings.cluster ? new ClusterConnection(settings) : new SentinelConnection(settings);
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

/** How many stores that are not closed use the connection of an identity. */
const stores = new Map();
/** The most identities that are remembered of those that something without an end uses. */
const MAX_ENDLESS = 4096;
/** Identities that Jovo's plugin uses: it is never closed, so a store that is does not close their connection. */
const endless = new Set();

/** A store begins to use the connection of this identity. */
function retain(key) {
  stores.set(key, (stores.get(key) ?? 0) + 1);
}

/** Something that is never closed uses it. */
function retainForEver(key) {
  if (endless.size < MAX_ENDLESS) endless.add(key);
}

/** A store was closed: so is the connection when nobody else uses it. Calls that still wait are answered. */
function release(key) {
  const left = (stores.get(key) ?? 1) - 1;
  if (left > 0) stores.set(key, left);
  else stores.delete(key);
  if (left > 0 || endless.has(key)) return;
  const unused = kept.get(key);
  kept.delete(key);
  unused?.close();
}

/** Whether the native part is there, and why it is not. */
const transport = { native: addon !== null, problem };

module.exports = { connection, release, retain, retainForEver, transport };
