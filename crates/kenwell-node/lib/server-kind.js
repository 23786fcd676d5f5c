// What kind of server answered, and whether it is the kind that the settings speak of.
'use strict';

const { Value } = require('./commands');
const { KenwellError, lost } = require('./error');

/** A node of a cluster, what the Sentinels call the master, and a Sentinel. A standalone server is asked for no kind. */
const NODE = 'node';
const MASTER = 'master';
const SENTINEL = 'sentinel';

const BEHIND_SENTINELS = 'the Sentinels lead to a Redis Cluster; set cluster: true and give its nodes instead';

const PROBLEMS = {
  [NODE]: { sentinel: 'this is a Sentinel, but cluster is true; give the addresses of cluster nodes' },
  [MASTER]: { cluster: BEHIND_SENTINELS },
  [SENTINEL]: {
    standalone: 'this is a Redis server, but sentinel.master is set; give the addresses of the Sentinels, usually port 26379',
    cluster: 'this is a Redis server, but sentinel.master is set; give the addresses of the Sentinels, usually port 26379',
  },
};

/** Who named an address that is not in the settings, and where that is set. */
const ORIGINS = {
  [NODE]: 'the cluster named this address (cluster-announce-ip and cluster-announce-port there); if it is another one from here, say so in addressMap',
  [MASTER]: 'the Sentinels named this address (`sentinel monitor` and `sentinel announce-ip` there, replica-announce-ip and replica-announce-port at the servers); if it is another one from here, say so in addressMap',
};

/** The error for a server of another kind than the settings speak of. */
function otherKind(address, problem) {
  return new KenwellError('KENWELL_SETTINGS', `redis at ${address}: ${problem}`);
}

/** What is wrong with a server that answered so to `HELLO`; null when nothing is. One that does not tell its kind is accepted. */
function problemOf({ expected, address }, hello) {
  const said = entriesOf(hello);
  const problem = PROBLEMS[expected][said.get('mode')];
  if (problem !== undefined) return otherKind(address, problem);
  const isReplica = expected === MASTER && said.has('role') && said.get('role') !== 'master';
  return isReplica ? lost(`the server at ${address} should be the master, but is a replica`) : null;
}

/** The names and texts in the reply, which is a list of both in turns. */
function entriesOf(hello) {
  const texts = (Array.isArray(hello) ? hello : []).map((part) => (part instanceof Value ? part.content : part));
  const entries = new Map();
  for (let index = 0; index + 1 < texts.length; index += 2) if (typeof texts[index + 1] === 'string') entries.set(texts[index], texts[index + 1]);
  return entries;
}

/** The error of a connection to one of several servers that could not be opened: which one, and who named it. */
function explained(error, { expected, address, announced }) {
  if (expected === undefined || !(error instanceof KenwellError) || error.code === 'KENWELL_REFUSED' || error.code === 'KENWELL_SETTINGS') return error;
  const { code, message, name, stack, ...fields } = error;
  return new KenwellError(code, `redis at ${address}: ${message}${announced ? `; ${ORIGINS[expected]}` : ''}`, { ...fields, cause: error.cause });
}

module.exports = { BEHIND_SENTINELS, MASTER, NODE, SENTINEL, explained, otherKind, problemOf };
