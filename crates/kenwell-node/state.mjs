// The same for `import`; both share one module, and so their connections.
import package_ from './state.js';

export const { StateStore, KenwellError, transport } = package_;
