// A real Redis Cluster: masters, and a replica of each if there are to be any, gone afterwards.
'use strict';

const { Redis, freePort, until } = require('./redis');

const SLOTS = 16_384;

class Cluster {
  /** So many masters; `args` are further ones for each node. */
  static async start({ masters = 3, replicas = false, args = [] } = {}) {
    const cluster = new Cluster();
    cluster.args = args;
    cluster.masters = await Promise.all(Array.from({ length: masters }, () => cluster.startNode()));
    cluster.replicas = replicas ? await Promise.all(Array.from({ length: masters }, () => cluster.startNode())) : [];
    for (const [index, node] of cluster.nodes.entries()) await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    await Promise.all(cluster.masters.map((node, index) => node.ask('CLUSTER', 'ADDSLOTSRANGE', Math.ceil((index * SLOTS) / masters), Math.ceil(((index + 1) * SLOTS) / masters) - 1)));
    // Each meets each: what they hear of each other by the way takes seconds.
    for (const one of cluster.nodes) await Promise.all(cluster.nodes.filter((other) => other !== one).map((other) => one.ask('CLUSTER', 'MEET', '127.0.0.1', other.port, other.bus)));
    await Promise.all(cluster.replicas.map(async (node, index) => {
      const id = await cluster.masters[index].ask('CLUSTER', 'MYID');
      await until(async () => (await node.ask('CLUSTER', 'REPLICATE', id)) === 'OK');
    }));
    await cluster.settled();
    return cluster;
  }

  async startNode() {
    const bus = await freePort();
    const node = await Redis.start(['--cluster-enabled', 'yes', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', '--cluster-port', String(bus), ...this.args]);
    node.bus = bus;
    return node;
  }

  get nodes() {
    return [...this.masters, ...this.replicas];
  }

  /** What a store needs to know of it. */
  get options() {
    return { connectionString: 'redis://unused', cluster: { nodes: this.nodes.map(({ port }) => `127.0.0.1:${port}`) } };
  }

  /** Waits until all nodes know each other and who follows whom. */
  async settled() {
    await until(async () => {
      const told = await Promise.all(this.nodes.map(async (node) => [await node.ask('CLUSTER', 'INFO'), await node.ask('CLUSTER', 'SLOTS'), await node.ask('INFO', 'replication')]));
      return told.every(([info, slots, replication]) => {
        const knowsAll = info.includes(`cluster_known_nodes:${this.nodes.length}`) && info.includes('cluster_state:ok');
        const knowsReplicas = slots.reduce((sum, range) => sum + range.length - 3, 0) >= this.replicas.length;
        return knowsAll && knowsReplicas && !replication.includes('master_link_status:down');
      });
    });
  }

  /** From now on a master is taken for lost that is silent for so long. Only the first one's replica may take its place: others may just be slow. */
  async loseAfter(ms) {
    await Promise.all(this.replicas.slice(1).map((node) => node.ask('CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')));
    await Promise.all(this.nodes.map((node) => node.ask('CONFIG', 'SET', 'cluster-node-timeout', ms)));
  }

  /** The master that has a key's slot, by the first distribution, and the slot. */
  async holder(key) {
    const slot = await this.masters[0].ask('CLUSTER', 'KEYSLOT', key);
    return { slot, from: this.masters[Math.floor((slot * this.masters.length) / SLOTS)] };
  }

  /** Begins to move a key's slot to another master: from now on its keys are on one side or the other. Gives how to go on. */
  async beginToMove(key, to) {
    const { slot, from } = await this.holder(key);
    const [source, target] = await Promise.all([from.ask('CLUSTER', 'MYID'), to.ask('CLUSTER', 'MYID')]);
    await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    const moveKeys = async () => {
      for (;;) {
        const keys = await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, 10);
        if (keys.length === 0) return;
        for (const one of keys) await from.ask('MIGRATE', '127.0.0.1', to.port, one, 0, 60_000);
      }
    };
    const finish = async () => {
      await moveKeys();
      for (const node of [to, from]) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    };
    return { moveKeys, finish, from, slot };
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

module.exports = { Cluster };
