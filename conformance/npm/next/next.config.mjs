// As docs/jovo.md says it.
export default {
  output: 'standalone',
  outputFileTracingRoot: import.meta.dirname,
  serverExternalPackages: ['@kenwell/redis'],
  outputFileTracingIncludes: { '/*': ['./node_modules/@kenwell/redis-*/**'] },
};
