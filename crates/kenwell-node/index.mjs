// The same for `import`; both share one module, and so their connections.
import package_ from './index.js';

export const { RedisDb, StateStore, KenwellError, transport } = package_;
