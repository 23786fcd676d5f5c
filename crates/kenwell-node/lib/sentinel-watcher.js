// Asks the Sentinels which server is the master: before each new connection, and every now and then.
'use strict';

const { AddressMap } = require('./address-map');
const { addressesOf, isHost, portOf } = require('./addresses');
const { Alarm, now } = require('./clock');
const { refused, Value } = require('./commands');
const { KenwellError, lost } = require('./error');
const { JavaScriptConnection } = require('./javascript-connection');
const { ask, hurried } = require('./question');
const { ErrorReply } = require('./resp');
const { SENTINEL } = require('./server-kind');

/**
 * How often a Sentinel is asked while all goes well. After a switch the old master, when it lives, confirms writes for some
 * ten seconds more, until it is told to follow the new one; they are lost.
 */
const POLL_MS = 500;
/** The most former masters that are remembered. */
const MAX_FORMER = 64;

class SentinelWatcher {
  /** `found(address)` is told what each question has brought that nobody waited for. Throws KENWELL_SETTINGS. */
  constructor(settings, found) {
    const { master, username, password } = settings.sentinel;
    this.name = master;
    this.found = found;
    this.announced = new AddressMap(settings.addressMap);
    this.sentinels = addressesOf(settings.address, 'sentinel.nodes').map(
      (address) => new JavaScriptConnection(hurried({ ...settings, address, username, password, database: 0, expected: SENTINEL, announced: false })),
    );
    /** Which Sentinel is asked next: each time another one, because one of them may be cut off. */
    this.nextAsked = 0;
    /** The server that is believed to be the master, and those that were before. */
    this.current = null;
    this.former = new Set();
    /** A question that is under way. */
    this.finding = null;
    this.alarm = null;
    this.closed = false;
  }

  /** Asks every now and then from now on, until it is closed. */
  keepAsking() {
    if (this.alarm !== null || this.closed) return;
    this.alarm = new Alarm(() => this.poll());
    this.alarm.set(now() + POLL_MS);
  }

  close() {
    this.closed = true;
    this.alarm?.clear();
    for (const sentinel of this.sentinels) sentinel.close();
  }

  async poll() {
    try {
      const address = await this.find();
      if (!this.closed) this.found(address);
    } catch {
      // Without an answer the latest one stands; the next call that fails asks again.
    }
    if (!this.closed) this.alarm.set(now() + POLL_MS);
  }

  /** The master's address, as far as the Sentinels can be believed. Those who want to know at the same time ask once. */
  find() {
    this.finding ??= this.findAnew().finally(() => {
      this.finding = null;
    });
    return this.finding;
  }

  /** After a switch some Sentinels name the old master for seconds more, and it may still confirm writes that it will lose. */
  async findAnew() {
    const named = await this.askUntilNamed();
    if (this.former.has(named) && !(await this.mostName(named))) return this.current;
    if (this.current !== null && this.current !== named) {
      if (this.former.size >= MAX_FORMER) this.former.clear();
      this.former.delete(named);
      this.former.add(this.current);
    }
    this.current = named;
    return named;
  }

  /** Whether most of the Sentinels that answer name this server. */
  async mostName(address) {
    const asked = await Promise.allSettled(this.sentinels.map((sentinel) => this.ask(sentinel)));
    const answers = asked.filter(({ status }) => status === 'fulfilled');
    return answers.filter(({ value }) => value === address).length > Math.floor(answers.length / 2);
  }

  /** Asks one Sentinel after the other until one knows the master. */
  async askUntilNamed() {
    let failure = null;
    for (let count = 0; count < this.sentinels.length; count++) {
      const sentinel = this.sentinels[this.nextAsked % this.sentinels.length];
      this.nextAsked += 1;
      try {
        return await this.ask(sentinel);
      } catch (error) {
        // What an operator can change says more than that another one is down.
        if (failure === null || (error.code !== 'KENWELL_CONNECTION' && error.code !== 'KENWELL_TIMEOUT')) failure = error;
      }
    }
    throw failure;
  }

  async ask(sentinel) {
    const { address } = sentinel.settings;
    let answer;
    try {
      answer = await ask(sentinel, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name]);
      if (answer instanceof ErrorReply) throw refused(answer);
    } catch (error) {
      throw atSentinel(error, address);
    }
    if (answer === null) {
      throw new KenwellError('KENWELL_SETTINGS', `sentinel at ${address}: no master is called ${this.name}; sentinel.master must be the name in its \`sentinel monitor\` line`, { setting: 'sentinel.master' });
    }
    const [host, port] = Array.isArray(answer) && answer.length === 2 && answer.every((part) => part instanceof Value) ? answer.map(({ content }) => String(content)) : ['', ''];
    if (!isHost(host) || portOf(port) === 0) throw lost(`the Sentinel at ${address} answered with something that is no address`);
    return this.announced.address(host, portOf(port));
  }
}

/** The refusals that are about who we are at the Sentinel, and the settings to change. */
const CURES = {
  WRONGPASS: 'correct sentinel.password or sentinel.username',
  NOAUTH: 'set sentinel.password, and sentinel.username if it belongs to an ACL user',
};

/** An error of a Sentinel, with its address. */
function atSentinel(error, address) {
  if (error.code !== 'KENWELL_REFUSED') return error;
  const cure = CURES[error.redisCode];
  return new KenwellError(error.code, `sentinel at ${address}: ${error.message}${cure === undefined ? '' : `; ${cure}`}`, { redisCode: error.redisCode, retryable: error.retryable });
}

module.exports = { SentinelWatcher };
