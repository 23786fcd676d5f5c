// From the addresses that a cluster or Sentinels announce to those that lead there from here.
'use strict';

const net = require('net');

const { normal, placeOf, written } = require('./addresses');
const { wrong } = require('./error');

/** The most entries of a map: as many as a cluster has nodes at most. */
const MAX_ENTRIES = 1024;

class AddressMap {
  /** Checks the entries of the setting addressMap: from `host:port` to `host:port`, or from a host to a host. */
  constructor(entries) {
    const pairs = Object.entries(entries);
    if (pairs.length > MAX_ENTRIES) throw wrong('addressMap', `it has more than ${MAX_ENTRIES} entries`);
    /** From a host, or a host and a port, to where it is from here. */
    this.places = new Map();
    for (const [from, to] of pairs) {
      const [named, reached] = [read(from), read(to)];
      if ((named.port === null) !== (reached.port === null)) throw wrong('addressMap', `${JSON.stringify(from)} and ${JSON.stringify(to)} must both have a port, or neither`);
      this.places.set(nameOf(named), reached);
    }
  }

  /** Where an announced address leads from here. */
  address(host, port) {
    const reached = this.places.get(nameOf({ host: normal(host), port })) ?? this.places.get(nameOf({ host: normal(host), port: null }));
    return reached === undefined ? written(host, port) : written(reached.host, reached.port ?? port);
  }
}

const nameOf = ({ host, port }) => `${host} ${port}`;

/** A host, and perhaps a port. */
function read(given) {
  const text = given.trim();
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (net.isIP(bare) || !text.includes(':')) {
    if (bare !== '' && !/[/@, [\]]/.test(bare)) return { host: normal(bare), port: null };
  } else {
    const place = placeOf(text);
    if (place !== null) return { host: normal(place.host), port: place.port };
  }
  throw wrong('addressMap', `${JSON.stringify(text)} is no address; write host:port or a host`);
}

module.exports = { AddressMap };
