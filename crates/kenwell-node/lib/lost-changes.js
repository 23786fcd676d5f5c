// Changes that were sent on a connection which broke, and not answered: what becomes of newer ones on the same keys. The
// native connection keeps the same book (crates/kenwell/src/connection/call_table.rs).
'use strict';

const { now } = require('./clock');

/** For how long a change may still arrive on a connection that the server could not be made to forget. */
const LATE_MS = 60_000;
/** The most keys that are remembered; no program loses so many changes within that time. */
const MAX_KEYS = 65_536;

class LostChanges {
  constructor() {
    /** From a key to the server and the number of the connection on which a change of it was lost, and when. */
    this.keys = new Map();
  }

  note(keys, connection, server) {
    const time = now();
    if (this.keys.size >= MAX_KEYS) {
      for (const [key, { at }] of this.keys) if (time - at >= LATE_MS) this.keys.delete(key);
    }
    if (this.keys.size < MAX_KEYS) for (const key of keys) this.keys.set(String(key), { connection, server, at: time });
  }

  /**
   * Whether an older change of one of these keys may still be executed after one that is sent on this connection now. The server
   * could not be made to forget the connections up to its `unfenced`; what was lost at another server is told when that one is used again.
   */
  mayFollow(keys, connection, server) {
    if (this.keys.size === 0) return false;
    let may = false;
    for (const key of keys) {
      const lost = this.keys.get(String(key));
      if (lost === undefined) continue;
      const isOld = now() - lost.at >= LATE_MS;
      if (lost.server !== server && !isOld) continue;
      if (lost.server === server && lost.connection <= server.unfenced && lost.connection !== connection && !isOld) may = true;
      else this.keys.delete(String(key));
    }
    return may;
  }
}

module.exports = { LostChanges };
