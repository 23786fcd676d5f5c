// One call on a cluster: its commands by slot, and their answers in the order in which it asked.
'use strict';

const { Call } = require('./call');
const { slotOf } = require('./slot');

class ClusterCall extends Call {
  constructor(connection, question, changes, repeatable, end) {
    super(connection, question, changes, repeatable, end);
    /** A slot whose node is meant, for a command without a key: `slotIn(map)`. */
    this.slotIn = question.slotIn ?? null;
    /** Its place among the calls on its keys. */
    this.turn = null;
    /** What is under way, and the nodes that something was sent to. */
    this.parts = new Set();
    this.nodes = new Set();
    this.wasSent = false;
    this.hasEnded = false;
    /** Of each of its commands the reply, or the error that it got none for. */
    this.answers = [];
  }

  /** The commands that are none of ours to keep together: all but MULTI and EXEC. */
  plain() {
    return this.commands.filter(([name]) => name !== 'MULTI' && name !== 'EXEC');
  }

  /** The keys that it reads or changes. */
  allKeys() {
    return this.plain().flatMap(keysOf);
  }

  /**
   * Its commands by slot: `{ slot, places, commands }`. Only those that share a slot can be executed together, so a transaction is
   * cut into one for each slot. What stood outside of it stays outside.
   */
  groups(map) {
    if (this.slotIn !== null) return [{ slot: this.slotIn(map), places: [0], commands: this.plain() }];
    const groups = [];
    let bySlot = null;
    let place = 0;
    for (const command of this.commands) {
      if (command[0] === 'MULTI') bySlot = new Map();
      else if (command[0] === 'EXEC') bySlot = null;
      else {
        const slot = slotOf(keysOf(command)[0]);
        let group = bySlot?.get(slot);
        if (group === undefined) {
          group = { slot, places: [], commands: [] };
          groups.push(group);
          bySlot?.set(slot, group);
        }
        group.places.push(place++);
        group.commands.push(command);
      }
    }
    return groups;
  }

  /** The replies as one server would have given them. */
  inOrder() {
    const replies = [];
    let executed = null;
    let place = 0;
    for (const [name] of this.commands) {
      if (name === 'MULTI') {
        executed = [];
        replies.push('OK');
      } else if (name === 'EXEC') {
        replies.push(executed);
        executed = null;
      } else if (executed === null) {
        replies.push(this.answers[place++]);
      } else {
        replies.push('QUEUED');
        executed.push(this.answers[place++]);
      }
    }
    return replies;
  }
}

const WITHOUT_KEYS = new Set(['MULTI', 'EXEC', 'ASKING', 'SCAN']);

/** The keys of a command: its first argument. A script has its text and the number of keys before them. */
function keysOf([name, first, count, ...more]) {
  if (name === 'EVAL') return more.slice(0, Number(count));
  return WITHOUT_KEYS.has(name) ? [] : [first];
}

module.exports = { ClusterCall, keysOf };
