// User ids that cannot be read off a key.
'use strict';

const { createHmac } = require('crypto');

const { wrong } = require('./error');

/** Shortest secret, in bytes. A shorter one could be found by trying. */
const MIN_SECRET_BYTES = 16;

/** HMAC-SHA-256 of the user id, as 64 hexadecimal digits. */
function hashed({ secret }, userId, setting = 'hashUserIds') {
  if (typeof secret !== 'string' || Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw wrong(`${setting}.secret`, `it must be a text of at least ${MIN_SECRET_BYTES} bytes`);
  }
  return createHmac('sha256', secret).update(userId).digest('hex');
}

module.exports = { hashed };
