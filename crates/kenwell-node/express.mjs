// The same for `import`; both share one module, and so their connections.
import package_ from './express.js';

export const { RedisStore, KenwellError } = package_;
