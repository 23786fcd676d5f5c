// The same for `import`; both share one module, and so their connections.
import package_ from './grammy.js';

export const { RedisAdapter, KenwellError } = package_;
