// One page of the keys of a cluster that begin with a text: of one master after the other.
'use strict';

const { scan } = require('./scan');

/**
 * The cursor has the slots by which masters were found so far, the last one being walked, and where that one is:
 * `0,5461/128`. Nothing behind the slash says that the next master's turn has come.
 */
class ClusterScan {
  constructor(cursor, prefix, count) {
    const [slots, at] = cursor === '0' ? ['', ''] : cursor.split('/');
    this.slots = slots === '' ? [] : slots.split(',').map(Number);
    this.isNext = at === '';
    const { commands, replyLimits, read } = scan(at || '0', prefix, count);
    this.commands = commands;
    this.replyLimits = replyLimits;
    this.readPage = read;
    this.hasMore = false;
    this.slotIn = (map) => this.choose(map);
    this.read = (replies) => this.page(replies);
  }

  /** The slot whose node is asked. */
  choose(map) {
    if (this.isNext) {
      const [slot] = map.uncovered(this.slots);
      // Where the masters have become fewer, one may be walked twice.
      this.slots = slot === undefined ? (this.slots.length > 0 ? this.slots : [0]) : [...this.slots, slot];
      this.isNext = false;
    }
    this.hasMore = map.uncovered(this.slots).length > 0;
    return this.slots[this.slots.length - 1];
  }

  page(replies) {
    const { cursor, keys } = this.readPage(replies);
    if (cursor !== '0') return { cursor: `${this.slots.join(',')}/${cursor}`, keys };
    return { cursor: this.hasMore ? `${this.slots.join(',')}/` : '0', keys };
  }
}

module.exports = { ClusterScan };
