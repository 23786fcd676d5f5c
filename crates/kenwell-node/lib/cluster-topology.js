// What is known of a Redis Cluster: which node has which slot, and whether to ask again.
'use strict';

const { AddressMap } = require('./address-map');
const { addressesOf } = require('./addresses');
const { refused } = require('./commands');
const { lost } = require('./error');
const { JavaScriptConnection } = require('./javascript-connection');
const { ask, hurried } = require('./question');
const { ErrorReply } = require('./resp');
const { NODE, otherKind } = require('./server-kind');
const { SlotMap, redirection } = require('./slot-map');

/** How many nodes are asked, one after the other, before the next attempt is left to the caller. */
const MAX_ASKED = 5;

/** Refusals that say that the map may be wrong. */
const EXPLAINING = new Set(['MOVED', 'CLUSTERDOWN', 'READONLY', 'MASTERDOWN']);

class ClusterTopology {
  /** Throws KENWELL_SETTINGS. */
  constructor(settings) {
    this.settings = settings;
    this.seeds = addressesOf(settings.address, 'cluster.nodes');
    this.announced = new AddressMap(settings.addressMap);
    this.map = new SlotMap();
    /** Whether something happened that the map does not explain. */
    this.stale = false;
    /** The node of the latest failure: the one to ask last. */
    this.doubted = null;
    /** Which node is asked first next time: one that is cut off from the others must not be the one that is always believed. */
    this.nextAsked = 0;
    this.asking = null;
  }

  /** How to reach a node. */
  settingsOf(address) {
    return { ...this.settings, address, expected: NODE, announced: !this.seeds.includes(address) };
  }

  /** The map, asked for first when it is missing or in doubt. When no node answers, an old map is better than none. */
  async current() {
    if (!this.stale && !this.map.isEmpty()) return this.map;
    this.asking ??= this.askAnew().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  async askAnew() {
    // Reset first: a doubt that comes up while asking is a new one.
    this.stale = false;
    try {
      this.map = await this.askAround();
    } catch (error) {
      this.stale = true;
      if (this.map.isEmpty()) throw error;
    }
    return this.map;
  }

  /** Takes note of a node's failure, or of its refusal. */
  doubt(node, error) {
    if (error instanceof ErrorReply) {
      if (EXPLAINING.has(error.code)) this.stale = true;
      return;
    }
    this.stale = true;
    this.doubted = node;
  }

  /** Where a node's refusal says that the key is now; null when it says nothing of that. */
  redirection(reply, asked) {
    return redirection(reply.text, asked, this.announced);
  }

  /** Takes note of a slot's new place, for calls that come before the whole map is asked for. */
  moved({ slot, address }) {
    this.map.moved(slot, address);
  }

  /** Asks one node after the other until one tells which node has which slot. */
  async askAround() {
    let failure = null;
    for (const address of this.nodesToAsk()) {
      try {
        return await this.ask(address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Known nodes and seeds, each time beginning with another one, and the doubted one last. */
  nodesToAsk() {
    const all = [...new Set([...this.map.nodes, ...this.seeds])];
    const first = this.nextAsked % all.length;
    this.nextAsked = first + 1;
    const inTurn = [...all.slice(first), ...all.slice(0, first)];
    const trusted = inTurn.filter((address) => address !== this.doubted);
    return [...trusted, ...inTurn.filter((address) => address === this.doubted)].slice(0, MAX_ASKED);
  }

  async ask(address) {
    // A socket of its own, closed afterwards: it must not disturb what the connections send.
    const connection = new JavaScriptConnection(hurried(this.settingsOf(address)));
    try {
      const answer = await ask(connection, ['CLUSTER', 'SLOTS']);
      if (answer instanceof ErrorReply) throw whyNoMap(answer, address);
      const map = SlotMap.read(answer, address, this.announced);
      if (map === null) throw lost(`the node at ${address} answered CLUSTER SLOTS with something that is no map`);
      // A node that knows no slots says the same to every command.
      if (map.isEmpty()) throw refused(new ErrorReply('CLUSTERDOWN Hash slot not served'), `redis at ${address}: `);
      return map;
    } finally {
      connection.close();
    }
  }
}

/** A standalone server has its own words for that; ours name the setting. */
function whyNoMap(reply, address) {
  if (!reply.text.includes('cluster support disabled')) return refused(reply, `redis at ${address}: `);
  return otherKind(address, 'this is a standalone server, but cluster is true; set cluster: false');
}

module.exports = { ClusterTopology };
