// What every Node driver needs: its orders from the environment, and one way to report back.

/** The orders: which calls to make, where to, as whom. */
export const order = {
  scenario: process.argv[2],
  url: process.env.KENWELL_URL,
  writeKey: process.env.KENWELL_WRITE_KEY,
  user: process.env.KENWELL_USER,
  steps: Number(process.env.KENWELL_STEPS),
  sdk: process.env.SDK_NAME,
  package: process.env.SDK_PACKAGE,
  gzip: process.env.SDK_GZIP !== '0',
};

/** Tells the harness that something happened. Lines without the mark are the SDK's own chatter. */
export function report(event, details = {}) {
  process.stdout.write(`@kenwell ${JSON.stringify({ event, ...details })}\n`);
}

/** Traits that take every path through the flattener, as a JavaScript program would hold them. */
export const zoe = {
  name: 'Zoë Ünïcode 日本語 🎉',
  email: 'zoe@example.com',
  age: 42,
  score: 3.14159,
  safeMax: 9007199254740991,
  huge: 1e21,
  tiny: 1e-7,
  active: true,
  deleted: false,
  nothing: null,
  empty: '',
  emptyObject: {},
  emptyList: [],
  codes: ['a', 'b', 3, null, true],
  tags: ['a', 'b', 3],
  orders: [{ y: 1, x: null }],
  address: { city: 'Pune', geo: { lat: 18.52, lng: 73.85 }, 'dotted.key': 'v' },
  when: '2024-01-02T03:04:05.678Z',
  cutEmoji: '🎉'.slice(0, 1),
};

/** A second call for the same user: replaces, adds, and (null) leaves alone. */
export const zoeLater = { plan: 'pro', age: 43, email: null, address: { city: 'London' }, tags: ['z'] };
