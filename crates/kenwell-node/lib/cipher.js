// Encryption of stored values: authenticated, bound to the key they lie under, with keys that can be changed.
'use strict';

module.exports = { cipherOf() { throw new Error('not yet'); } };
