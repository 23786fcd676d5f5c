// One page of the keys that begin with a text, as the JavaScript connection asks for it.
'use strict';

const { Value, refused } = require('./commands');
const { lost } = require('./error');
const { replyLimitsOf } = require('./reply-limits');
const { ErrorReply } = require('./resp');

function scan(cursor, prefix, count) {
  return {
    commands: [['SCAN', cursor, 'MATCH', `${literal(prefix)}*`, 'COUNT', String(count)]],
    replyLimits: replyLimitsOf('SCAN', 1),
    read([reply]) {
      if (reply instanceof ErrorReply) throw refused(reply);
      const isPage = Array.isArray(reply) && reply.length === 2 && isText(reply[0]) && Array.isArray(reply[1]) && reply[1].every((key) => key instanceof Value);
      if (!isPage) throw lost('Redis answered with something that is no page of keys');
      // A key that is no UTF-8 is none of ours.
      return { cursor: reply[0].content, keys: reply[1].filter(isText).map(({ content }) => content) };
    },
  };
}

const isText = (reply) => reply instanceof Value && typeof reply.content === 'string';

/** The pattern that matches this text and nothing else. */
function literal(text) {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

module.exports = { scan };
