// The connection to a Redis Cluster, in JavaScript alone: each command to the node that has its key, redirections followed.
'use strict';

const { PartialCall } = require('./call');
const { ClusterCall, keysOf } = require('./cluster-call');
const { ClusterScan } = require('./cluster-scan');
const { ClusterTopology } = require('./cluster-topology');
const { answers: answersOf, together } = require('./commands');
const { KenwellError, shown, timeout, uncertain } = require('./error');
const { JavaScriptConnection } = require('./javascript-connection');
const { KeyOrder } = require('./key-order');
const pending = require('./pending-calls');
const { RedisCalls } = require('./redis-calls');
const { replyLimits } = require('./reply-limits');
const { ErrorReply } = require('./resp');
const { slotOf } = require('./slot');
const { MAX_NODES } = require('./slot-map');

/** How often one command follows `MOVED` or `ASK` before it is given back as refused. */
const MAX_REDIRECTIONS = 5;

class ClusterConnection extends RedisCalls {
  /** Throws KENWELL_SETTINGS. */
  constructor(settings) {
    super();
    this.settings = settings;
    this.topology = new ClusterTopology(settings);
    /**
     * The connections to nodes that were used. They stay when the map no longer names the node: one that comes back must first
     * forget what was sent to it before, and only its own connection knows what that was.
     */
    this.nodes = new Map();
    this.order = new KeyOrder();
    /** How many calls have begun and not ended. */
    this.open = 0;
    this.closing = false;
  }

  storeUnchanged(expected, writes, end) {
    const problem = severalSlots([...expected, ...writes].map(({ key }) => key));
    return problem === null ? super.storeUnchanged(expected, writes, end) : Promise.reject(problem);
  }

  /** As the connection to one server gives it, of one master after the other. */
  scan(cursor, prefix, count, end) {
    return this.ask(new ClusterScan(cursor, prefix, count), null, true, end);
  }

  /** What may be executed twice is sent again, once, when a connection was lost. */
  ask(question, changes, repeatable, end) {
    return pending.call(new ClusterCall(this, question, changes, repeatable, end));
  }

  /** Calls that wait are still answered. */
  close() {
    this.closing = true;
    if (this.open === 0) this.closeNodes();
  }

  send(call) {
    this.open += 1;
    call.turn = this.order.enter(call.allKeys(), call.changes !== null, () => this.execute(call));
    if (call.turn.hasCome()) this.execute(call);
  }

  /** The time of a call is over: gives its error. */
  late(call) {
    const error = timeout(this.settings.commandTimeoutMs, call.nodes.size > 0 ? 'the call' : 'the call, connecting included,');
    call.over = true;
    for (const part of call.parts) {
      call.wasSent ||= part.sentAt !== 0;
      this.topology.doubt(part.node, error);
      part.late();
    }
    this.ended(call);
    return call.repeatable || !call.wasSent ? error : uncertain(error);
  }

  /** Sends a call, again if need be, and answers it. */
  async execute(call) {
    try {
      if (await this.attempt(call)) {
        call.repeated = true;
        await this.attempt(call);
      }
      if (!call.over) this.answer(call);
    } catch (error) {
      call.fail(error);
    }
    this.ended(call);
  }

  /** Sends all that belongs to a call, and waits for the answers; says whether to send it again. */
  async attempt(call) {
    const map = await this.topology.current();
    const lost = await Promise.all(call.groups(map).map((group) => this.sendGroup(call, group, map.node(group.slot))));
    return call.repeatable && !call.repeated && !call.over && lost.includes(true);
  }

  answer(call) {
    const failure = call.answers.find((answer) => answer instanceof KenwellError);
    if (failure !== undefined) throw call.repeatable || !call.wasSent || failure.code === 'KENWELL_UNCERTAIN' ? failure : uncertain(failure);
    try {
      call.succeed(call.read(call.inOrder()));
    } catch (error) {
      if (error.code !== 'KENWELL_CONNECTION') throw error;
      for (const address of call.nodes) this.distrust(address, error);
      throw call.repeatable ? error : uncertain(error);
    }
  }

  /** A call needs nothing more. */
  ended(call) {
    if (call.hasEnded) return;
    call.hasEnded = true;
    this.open -= 1;
    this.order.leave(call.turn);
    if (this.closing && this.open === 0) this.closeNodes();
  }

  /**
   * Executes commands of one slot together, at whichever node has it; says whether the connection was lost. While a slot moves
   * from one node to another no transaction on it can be executed; its commands are then sent one by one.
   */
  async sendGroup(call, { places, commands }, node) {
    if (commands.length === 1) return this.sendOne(call, places[0], commands[0], node);
    let at = node;
    for (let redirections = 0; ; redirections++) {
      const { replies, error, isLost } = await this.sendTo(call, at, together(commands));
      if (error !== null) return this.fail(call, places, error, isLost);
      const given = this.executed(replies, commands.length, at);
      if (given instanceof KenwellError) return this.fail(call, places, given, false);
      const refusal = given.find((reply) => reply instanceof ErrorReply && ['MOVED', 'ASK', 'TRYAGAIN'].includes(reply.code));
      this.note(call, places, given, at);
      if (refusal === undefined) return false;
      if (refusal.code !== 'MOVED') {
        const lost = await Promise.all(places.map((place, index) => this.sendOne(call, place, commands[index], at)));
        return lost.includes(true);
      }
      const moved = this.follow(refusal, at);
      if (moved === null || redirections >= MAX_REDIRECTIONS) return false;
      at = moved;
    }
  }

  /** Executes one command at whichever node has its key. */
  async sendOne(call, place, command, node) {
    let at = node;
    let isAsking = false;
    for (let redirections = 0; ; redirections++) {
      const { replies, error, isLost } = await this.sendTo(call, at, isAsking ? [['ASKING'], command] : [command]);
      if (error !== null) return this.fail(call, [place], error, isLost);
      // Without the exception the node only redirects; why there is none says more.
      const reply = replies.find((each) => each instanceof ErrorReply) ?? replies[replies.length - 1];
      this.note(call, [place], [reply], at);
      const next = reply instanceof ErrorReply ? this.follow(reply, at) : null;
      if (next === null || redirections >= MAX_REDIRECTIONS) return false;
      at = next;
      isAsking = reply.code === 'ASK';
    }
  }

  /** One answer for each of the commands of a transaction, or why there are none. */
  executed(replies, count, node) {
    try {
      return answersOf(replies, count);
    } catch (error) {
      if (error.code === 'KENWELL_CONNECTION') this.distrust(node, error);
      return error;
    }
  }

  /** A node has answered another question: nothing that comes after it can be trusted. */
  distrust(address, error) {
    this.nodes.get(address)?.socket?.close(error);
  }

  fail(call, places, error, isLost) {
    for (const place of places) call.answers[place] = error;
    return isLost;
  }

  note(call, places, replies, node) {
    for (const [index, reply] of replies.entries()) {
      call.answers[places[index]] = reply;
      if (!(reply instanceof ErrorReply)) continue;
      this.topology.doubt(node, reply);
      reply.isOfCluster = true;
    }
  }

  /** The node that a refusal names, if that is what it is about. */
  follow(reply, asked) {
    if (reply.code !== 'MOVED' && reply.code !== 'ASK') return null;
    const redirection = this.topology.redirection(reply, asked);
    if (redirection === null) return null;
    if (reply.code === 'MOVED') this.topology.moved(redirection);
    return redirection.address;
  }

  /** Sends commands to a node, and gives `{ replies, error, isLost }`. */
  sendTo(call, address, commands) {
    return new Promise((resolve) => {
      if (call.over) {
        resolve({ replies: null, error: timeout(this.settings.commandTimeoutMs), isLost: false });
        return;
      }
      const changes = call.changes === null ? null : commands.flatMap(keysOf);
      const question = { commands, replyLimits: replyLimits(commands), read: (replies) => replies };
      const part = new PartialCall(this.node(address), question, changes, false, (error, replies) => {
        call.parts.delete(part);
        call.wasSent ||= part.sentAt !== 0;
        if (error !== null) this.topology.doubt(address, error);
        resolve({ replies, error, isLost: error !== null && error.code === 'KENWELL_CONNECTION' && part.sentAt !== 0 });
      });
      part.node = address;
      call.parts.add(part);
      call.nodes.add(address);
      part.send();
    });
  }

  /** The connection to a node. */
  node(address) {
    let node = this.nodes.get(address);
    if (node === undefined) {
      if (this.nodes.size >= MAX_NODES) this.closeNodes();
      node = new JavaScriptConnection(this.topology.settingsOf(address));
      this.nodes.set(address, node);
    }
    return node;
  }

  closeNodes() {
    for (const node of this.nodes.values()) node.close();
    this.nodes.clear();
  }
}

/** The error for keys that one step cannot touch; null when it can. */
function severalSlots(keys) {
  const place = keys.findIndex((key) => slotOf(key) !== slotOf(keys[0]));
  if (place < 0) return null;
  return new KenwellError('KENWELL_SETTINGS', `entry ${place} (key ${shown(keys[place])}): its slot differs from that of the keys before, and a cluster cannot compare and save keys of different slots in one step; put the same \`{hash tag}\` into all of them`);
}

module.exports = { ClusterConnection };
