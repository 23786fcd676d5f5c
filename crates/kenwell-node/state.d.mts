// The same for `import`: the names alone, without a default.
export * from './state.js';
