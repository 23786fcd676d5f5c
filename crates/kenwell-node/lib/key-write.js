// One change of what is stored under a key, made while no other one of this process is.
'use strict';

const { now } = require('./clock');
const { KenwellError, shown } = require('./error');

/** How often a save is tried again because somebody else was faster. */
const MAX_ATTEMPTS = 100;

class KeyWrite {
  /** `stored` is what this process has left there a moment ago; undefined when that is not known. */
  constructor(texts, key, end, stored) {
    this.texts = texts;
    this.key = key;
    this.end = end;
    this.stored = stored;
  }

  /** Stores a text, whatever was there. Gives what is stored then. `ttl` is in seconds; 0 means for ever. */
  async replace(text, ttl) {
    const { key, end, texts } = this;
    const value = texts.seal(key, text);
    this.stored = undefined;
    await texts.connection().store([{ key, value, ttl }], end);
    return (this.stored = value);
  }

  /**
   * Stores what `join(text)` makes of the text that is stored, `null` for nothing: it gives `{ text, ttl }`, now or later. It is asked
   * again when somebody else was faster. `expected` is what was stored when it was last looked at. Gives what is stored then; null,
   * and writes nothing, when there was something and nothing is there any more.
   */
  async save(expected, join) {
    const { key, texts } = this;
    let current = this.stored === undefined ? expected : this.stored;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (current === null && expected !== null) return (this.stored = null);
      const { text, ttl } = await join(current === null ? null : texts.open(key, current));
      const value = texts.seal(key, text);
      this.stored = undefined;
      if (await this.swap({ key, value, ttl }, current)) return (this.stored = value);
      current = await texts.fetch(key, this.end);
    }
    throw new KenwellError('KENWELL_CONFLICT', `key ${shown(key)}: somebody else was faster ${MAX_ATTEMPTS} times; nothing was saved`, { key, retryable: true });
  }

  /** Deletes what is there. */
  async remove() {
    this.stored = undefined;
    await this.texts.connection().remove([this.key], this.end);
    this.stored = null;
  }

  /**
   * Replaces `expected` by what is to be written, in one atomic step; false when something else is stored. When the connection breaks
   * meanwhile, what is stored tells whether it was done. To do it again does no harm: it changes nothing but what is expected.
   */
  async swap(write, expected) {
    const { key, end, texts } = this;
    const attempt = () => texts.connection().storeUnchanged([{ key, value: expected }], [write], end);
    try {
      return await attempt();
    } catch (error) {
      if (error.code !== 'KENWELL_UNCERTAIN' || now() >= end) throw error;
      const found = await texts.fetch(key, end);
      if (found === write.value) return true;
      if (found === expected) return attempt();
      // It was saved and then changed by others, or it was not saved: to save it now might undo what they did.
      throw error;
    }
  }
}

module.exports = { KeyWrite };
