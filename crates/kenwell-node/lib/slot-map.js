// Which node of a Redis Cluster has which slot, and where a redirection leads.
'use strict';

const { isHost, placeOf, portOf, written } = require('./addresses');
const { Value } = require('./commands');
const { SLOTS } = require('./slot');

/** The most nodes that are remembered; the specification recommends at most 1,000. */
const MAX_NODES = 1024;
/** Stands for "no node" in the table. */
const NOBODY = 0xffff;

class SlotMap {
  constructor() {
    /** For each slot an index into `nodes`. */
    this.slots = new Uint16Array(SLOTS).fill(NOBODY);
    /** The addresses of all nodes, masters first, and of each its index. */
    this.nodes = [];
    this.indexes = new Map();
  }

  /**
   * Reads the answer to `CLUSTER SLOTS`; null when it is no such answer, or names too many nodes. A node that does not say
   * its host has that of the node that was `asked`; `announced` maps the other addresses.
   */
  static read(answer, asked, announced) {
    if (!Array.isArray(answer)) return null;
    const map = new SlotMap();
    const replicas = [];
    for (const range of answer) {
      const [start, end, master, ...others] = Array.isArray(range) ? range : [];
      if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end >= SLOTS || master === undefined) return null;
      const address = nodeAddress(master, asked, announced);
      if (address !== null) {
        const index = map.indexOf(address);
        if (index === NOBODY) return null;
        map.slots.fill(index, start, end + 1);
      }
      replicas.push(...others.map((node) => nodeAddress(node, asked, announced)).filter((other) => other !== null));
    }
    return replicas.some((address) => map.indexOf(address) === NOBODY) ? null : map;
  }

  /** Whether no node told anything yet. */
  isEmpty() {
    return this.nodes.length === 0;
  }

  /** The node that has a slot. For a slot that no node has it is any node: its answer says what is wrong. */
  node(slot) {
    const owner = this.slots[slot];
    return this.nodes[owner === NOBODY ? slot % this.nodes.length : owner];
  }

  /** For each master that has none of these slots, the first one that it has. */
  uncovered(covered) {
    const done = new Set(covered.map((slot) => this.slots[slot]));
    const found = [];
    for (const [slot, node] of this.slots.entries()) {
      if (node === NOBODY || done.has(node)) continue;
      done.add(node);
      found.push(slot);
    }
    return found;
  }

  /** Notes that a slot has moved, until the whole map is asked for again. */
  moved(slot, address) {
    const index = this.indexOf(address);
    if (index !== NOBODY) this.slots[slot] = index;
  }

  indexOf(address) {
    const known = this.indexes.get(address);
    if (known !== undefined) return known;
    if (this.nodes.length >= MAX_NODES) return NOBODY;
    this.indexes.set(address, this.nodes.length);
    return this.nodes.push(address) - 1;
  }
}

/** The address of a node in the answer to `CLUSTER SLOTS`; null when it has none. */
function nodeAddress(node, asked, announced) {
  const [host, port] = Array.isArray(node) ? node : [];
  const text = host === null ? '' : host instanceof Value ? host.content : undefined;
  return typeof text === 'string' ? addressOf(text, port, asked, announced) : null;
}

/**
 * Where `MOVED` or `ASK` leads: `{ slot, address }`, read from `3999 127.0.0.1:6381`; null when it is none. An IPv6 address
 * stands there without brackets; no host, or `?`, means the node that was `asked`.
 */
function redirection(text, asked, announced) {
  const [, digits, host, port] = /^([0-9]{1,5}) (.*):([0-9]{1,5})$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) >= SLOTS) return null;
  const address = addressOf(host, portOf(port), asked, announced);
  return address === null ? null : { slot: Number(digits), address };
}

/** The address that leads to a node from here; null when the port is none or the host cannot be one. */
function addressOf(host, port, asked, announced) {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  if (host === '' || host === '?') return written(placeOf(asked).host, port);
  return isHost(host) ? announced.address(host, port) : null;
}

module.exports = { MAX_NODES, SlotMap, redirection };
