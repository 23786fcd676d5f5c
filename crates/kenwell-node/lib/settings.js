// From what the configuration says about Redis to what a connection needs.
'use strict';

const azure = require('./connection-string');
const { wrong } = require('./error');
const { TRUTH, checkKinds, checkNames } = require('./known-names');

/** How long connecting, and how long one call, may take unless the configuration says otherwise. */
const DEFAULT_TIMEOUT_MS = 5000;
/** Longest timeout: a day. */
const MAX_TIMEOUT_MS = 86_400_000;

/** What decides, besides the connection string, which server is meant and how it is talked to. */
const KEYS = ['tls', 'cluster', 'sentinel', 'addressMap', 'connectTimeoutMs', 'commandTimeoutMs'];

/** The options within options, where there are any. */
const NAMES = {
  tls: ['ca', 'cert', 'key', 'serverName', 'skipVerify'],
  cluster: ['nodes'],
  sentinel: ['master', 'nodes', 'username', 'password'],
};

/** What is off, on, or on with options of its own. */
const SWITCHES = { tls: '{ ca: "/path/to/ca.pem" }', cluster: '{ nodes: ["10.0.0.1:6379"] }' };

/** A text by which configurations are known: those that have the same one share a connection. */
function identity(config) {
  for (const key of KEYS) {
    if (config[key] !== undefined && config[key] !== false) return JSON.stringify([config.connectionString, ...KEYS.map((each) => config[each])]);
  }
  return config.connectionString;
}

/** Reads the configuration. Throws KENWELL_SETTINGS; no part of the URL is repeated, since it may hold a password. */
function read(config) {
  for (const [setting, names] of Object.entries(NAMES)) checkNames(config[setting], names, setting);
  for (const [setting, example] of Object.entries(SWITCHES)) checkSwitch(setting, config[setting], example);
  checkKinds(config.tls, { skipVerify: TRUTH }, 'tls');
  const url = parse(config.connectionString);
  const cluster = Boolean(config.cluster);
  const named = config.sentinel || (url.master ? { master: url.master } : null);
  const sentinel = named ? sentinelOf(named) : null;
  const address = nodes(config.cluster, 'cluster') || nodes(config.sentinel, 'sentinel') || url.address;
  checkCombination({ address, database: url.database, cluster, sentinel });
  return {
    address,
    username: url.username,
    password: url.password,
    database: url.database,
    cluster,
    sentinel,
    addressMap: addressMapOf(config.addressMap, cluster || sentinel !== null),
    tls: url.secure || config.tls ? tlsOf({ ...url.tls, ...(config.tls === true ? {} : config.tls) }) : null,
    connectTimeoutMs: timeout(config.connectTimeoutMs, 'connectTimeoutMs'),
    commandTimeoutMs: timeout(config.commandTimeoutMs, 'commandTimeoutMs'),
  };
}

function checkSwitch(setting, given, example) {
  const isObject = typeof given === 'object' && !Array.isArray(given);
  if (given !== undefined && typeof given !== 'boolean' && !isObject) throw wrong(setting, `it must be true, false, or an object such as ${example}`);
}

function checkCombination({ address, database, cluster, sentinel }) {
  if (cluster && sentinel !== null) throw wrong('sentinel', 'a Redis Cluster has no Sentinels; take it away, or take cluster away');
  if (cluster && database !== 0) throw wrong('connectionString', 'a Redis Cluster has only database 0');
  const isAlone = !cluster && sentinel === null;
  if (isAlone && !address.startsWith('unix:') && address.includes(',')) throw wrong('connectionString', 'several hosts need cluster or sentinel (serviceName); a standalone server has one');
}

function parse(connectionString) {
  if (typeof connectionString === 'string' && azure.isOne(connectionString)) return azure.parse(connectionString, (problem) => wrong('connectionString', problem));
  let url;
  try {
    url = new URL(connectionString);
  } catch {
    throw wrong('connectionString', 'it is not a URL; write it like redis://localhost:6379 or rediss://user:password@host:6380/0');
  }
  const secure = url.protocol === 'rediss:' || url.protocol === 'valkeys:';
  if (url.protocol === 'unix:') return { ...login(url), address: `unix:${decode(url.pathname)}`, database: number(url.searchParams.get('db') || ''), secure };
  if (!secure && url.protocol !== 'redis:' && url.protocol !== 'valkey:') throw wrong('connectionString', 'it must start with redis://, rediss:// (TLS), valkey://, valkeys:// (TLS) or unix:// (a socket file)');
  if (!url.hostname) throw wrong('connectionString', 'the host is missing');
  const database = number(url.pathname.slice(1) || url.searchParams.get('db') || '');
  return { ...login(url), address: `${url.hostname}:${url.port || 6379}`, database, secure, tls: asked(url.searchParams) };
}

/** What the URLs of Python's clients ask for in their query, or the setting that it is here. */
function asked(query) {
  const elsewhere = { ssl_ca_certs: 'tls.ca', ssl_certfile: 'tls.cert', ssl_keyfile: 'tls.key' };
  for (const [theirs, ours] of Object.entries(elsewhere)) {
    if (query.has(theirs)) throw wrong('connectionString', `${theirs} is the setting ${ours} here; take it out of the URL`);
  }
  const verify = query.get('ssl_cert_reqs');
  if (verify === null || /^(cert_)?(required|optional)$/i.test(verify)) return {};
  if (/^(cert_)?none$/i.test(verify)) return { skipVerify: true };
  throw wrong('connectionString', 'ssl_cert_reqs must be required or none, which is the setting tls.skipVerify');
}

function login(url) {
  return { username: decode(url.username) || null, password: decode(url.password) || null };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('connectionString', 'a % in it is not followed by two hexadecimal digits; write % as %25');
  }
}

/** A database number; nothing means 0. */
function number(text) {
  if (text === '') return 0;
  const database = Number(text);
  if (Number.isSafeInteger(database) && database >= 0) return database;
  throw wrong('connectionString', 'what follows the host must be a database number, as in /5; write / in a password as %2F');
}

/** The addresses of `{ nodes: [...] }`, joined; null when there are none. */
function nodes(given, setting) {
  if (!given || !given.nodes) return null;
  if (Array.isArray(given.nodes) && given.nodes.length > 0 && given.nodes.every((node) => typeof node === 'string')) return given.nodes.join(',');
  throw wrong(`${setting}.nodes`, 'it must be a list of addresses, such as ["10.0.0.1:6379", "10.0.0.2:6379"]');
}

function sentinelOf({ master, username = null, password = null }) {
  if (typeof master === 'string' && master !== '') return { master, username, password };
  throw wrong('sentinel.master', 'it is missing: give the name in the Sentinels\' "sentinel monitor" line');
}

/** Where servers that a cluster or Sentinels name are from here. */
function addressMapOf(given, hasUse) {
  if (given === undefined || given === null) return {};
  const isMap = typeof given === 'object' && !Array.isArray(given) && Object.values(given).every((value) => typeof value === 'string');
  if (!isMap) throw wrong('addressMap', 'it must be an object such as { "10.0.0.5:6379": "127.0.0.1:7001" }');
  if (!hasUse && Object.keys(given).length > 0) throw wrong('addressMap', 'it has no effect without cluster or sentinel: only a cluster and Sentinels name addresses');
  return { ...given };
}

function tlsOf({ ca, cert, key, serverName, skipVerify }) {
  const text = (pem) => (pem === undefined || pem === null ? null : String(pem));
  if (!cert !== !key) throw wrong('tls', 'cert and key belong together: give both or none');
  return { ca: text(ca), cert: text(cert), key: text(key), serverName: text(serverName), skipVerify: skipVerify === true };
}

function timeout(given, setting) {
  if (given === undefined || given === null) return DEFAULT_TIMEOUT_MS;
  if (Number.isInteger(given) && given > 0 && given <= MAX_TIMEOUT_MS) return given;
  throw wrong(setting, `it must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`);
}

/** How long one call may take, all in all. What is no time is an error as soon as the connection is asked for. */
function callLimit({ commandTimeoutMs }) {
  return commandTimeoutMs > 0 ? commandTimeoutMs : DEFAULT_TIMEOUT_MS;
}

module.exports = { callLimit, identity, read };
