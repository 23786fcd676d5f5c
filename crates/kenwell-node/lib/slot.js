// From a key to its slot in a Redis Cluster.
'use strict';

/** How many slots a cluster has (Redis Cluster specification, "Key distribution model"). */
const SLOTS = 16_384;

/** CRC-16/XMODEM of each byte, as the specification's appendix A defines it. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  return crc;
});

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The slot of a key, a text or bytes: CRC16 of its hash tag, or of all of it. */
function slotOf(key) {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  let [start, end] = [0, bytes.length];
  const open = bytes.indexOf(OPEN);
  // What stands between the first `{` and the next `}`, unless that is nothing.
  const close = open < 0 ? -1 : bytes.indexOf(CLOSE, open + 1);
  if (close > open + 1) [start, end] = [open + 1, close];
  let crc = 0;
  for (let index = start; index < end; index++) crc = ((crc << 8) ^ TABLE[(crc >> 8) ^ bytes[index]]) & 0xffff;
  return crc % SLOTS;
}

module.exports = { SLOTS, slotOf };
