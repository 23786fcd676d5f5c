// The names that a record may have, and its parts: our own, and those that were loaded, since others may store parts of their own.
'use strict';

const { checkNames } = require('./known-names');
const { PARTS } = require('./stored-elements');

/** A profile comes with a record, and is never stored. */
const RECORD = [...PARTS, 'profile'];
/** What is in the parts that are objects. */
const WITHIN = { user: ['data'], session: ['id', 'data', 'state', 'createdAt', 'updatedAt'], history: ['items'] };
/** The most names that are none of ours and were loaded, of a record and of each part. */
const MAX_FOREIGN = 1024;

class RecordNames {
  /** Throws KENWELL_SETTINGS for names that no record has: what they hold would not be stored, or not be read by others. */
  check(record) {
    this.#record.check(record, 'record');
    for (const part of Object.keys(WITHIN)) if (record[part]) this.#within[part].check(record[part], `record.${part}`);
  }

  /** A record that was loaded can be saved. */
  learn(record) {
    this.#record.learn(record);
    for (const part of Object.keys(WITHIN)) if (record[part]) this.#within[part].learn(record[part]);
  }

  #record = new Names(RECORD);
  #within = Object.fromEntries(Object.entries(WITHIN).map(([part, names]) => [part, new Names(names)]));
}

/** Of one object: names that are known, and those that were loaded. */
class Names {
  constructor(own) {
    this.known = new Set(own);
    this.most = own.length + MAX_FOREIGN;
  }

  check(object, setting) {
    for (const name of Object.keys(object)) if (!this.known.has(name)) return checkNames(object, [...this.known], setting);
  }

  learn(object) {
    for (const name of Object.keys(object)) if (!this.known.has(name) && this.known.size < this.most) this.known.add(name);
  }
}

module.exports = { RecordNames };
