// What the session stores have in common.

/** The versions of one value that two overlapping requests have both changed; `undefined` where it is not there. */
export interface Conflict {
  /** Where it is in the session: ['cart', 'items']. Empty for the whole of it. */
  path: string[];
  /** What it was when this request read it. */
  base: any;
  /** What others have stored since. */
  theirs: any;
  /** What is to be saved. */
  mine: any;
}

/**
 * "merge": the later save wins the value that both changed. "error": nothing is saved, and the error is KENWELL_CONFLICT. A function gives
 * the value that is stored, at once, also where both have changed it to the same; `undefined` takes it away.
 */
export type OnConflict = 'merge' | 'error' | ((conflict: Conflict) => any);

export interface SessionEncryption {
  /** The first one encrypts, all of them decrypt. `secret`: 32 bytes as 64 hexadecimal digits or base64. */
  keys: { id: string; secret: string }[];
  /** Also reads sessions that are not encrypted yet. Default: they are an error. */
  acceptPlaintext?: boolean;
}
