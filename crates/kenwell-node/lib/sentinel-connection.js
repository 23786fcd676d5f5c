// The connection in JavaScript to whatever server the Sentinels call the master.
'use strict';

const { KenwellError, lost } = require('./error');
const { JavaScriptConnection } = require('./javascript-connection');
const { SentinelWatcher } = require('./sentinel-watcher');
const { BEHIND_SENTINELS, MASTER } = require('./server-kind');

/**
 * The calls stand in one queue, whichever server they go to: one after the other, and what is sent again goes first. So no call is
 * sent to a new master before the connection to the one before it is closed. A server that becomes master again must first
 * forget what was sent to it before.
 */
class SentinelConnection extends JavaScriptConnection {
  /** Throws KENWELL_SETTINGS. */
  constructor(settings) {
    super(settings);
    this.watcher = new SentinelWatcher(settings, (address) => this.leaveFor(address));
    this.finding = false;
  }

  /** Asks the Sentinels first. */
  async dial() {
    if (this.finding) return;
    this.finding = true;
    this.watcher.keepAsking();
    try {
      const address = await this.watcher.find();
      this.finding = false;
      if (this.unsent.length > 0) this.open({ ...this.settings, address, expected: MASTER, announced: true });
    } catch (error) {
      this.finding = false;
      this.failUnsent(error);
    }
  }

  /**
   * The Sentinels name this server. What another one has not answered is sent again: what it confirms from now on is lost when
   * it follows the new master.
   */
  leaveFor(address) {
    const { socket } = this;
    if (socket === null || socket.settings.address === address) return;
    socket.superseded = !socket.ready;
    socket.close(lost('the Sentinels name another master'));
  }

  /** Redirections come from a cluster, where its nodes belong into the settings. */
  refusal(error) {
    return error.setting === 'cluster' ? new KenwellError('KENWELL_SETTINGS', BEHIND_SENTINELS, { setting: 'sentinel' }) : error;
  }

  close() {
    super.close();
    this.watcher.close();
  }
}

module.exports = { SentinelConnection };
