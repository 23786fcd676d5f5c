// Keys whose values could not be decoded: a save must not overwrite what somebody may still repair.
'use strict';

/** The most keys that are remembered; the oldest is forgotten first. */
const MAX_KEYS = 1024;

/** Server and key, as text. */
const keys = new Set();

const place = (server, key) => `${server}\n${key}`;

function remember(server, key) {
  if (keys.size >= MAX_KEYS) keys.delete(keys.values().next().value);
  keys.add(place(server, key));
}

function forget(server, key) {
  if (keys.size > 0) keys.delete(place(server, key));
}

function has(server, key) {
  return keys.size > 0 && keys.has(place(server, key));
}

module.exports = { remember, forget, has };
