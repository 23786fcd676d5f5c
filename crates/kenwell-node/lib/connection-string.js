// A connection string as .NET clients and Azure's portal write it: host:6380,password=…,ssl=True
'use strict';

/** The ends of host names at which TLS is spoken unless the string says otherwise. */
const AZURE = /\.(redis\.cache\.windows\.net|redis\.azure\.net|redis\.cache\.chinacloudapi\.cn)$/i;

/** Options that say how a .NET client works, and nothing about the server. */
const NOT_OURS = /^(abortconnect|allowadmin|asynctimeout|channelprefix|checkcertificaterevocation|clientname|configchannel|configcheckseconds|connectretry|connecttimeout|heartbeatinterval|heartbeatconsistencychecks|highintegrity|keepalive|name|preserveasyncorder|protocol|resolvedns|responsetimeout|setlib|sslprotocols|synctimeout|tiebreaker|version)$/i;

const HOST = /^(\[[0-9a-f:.%\w]+\]|[^\s@/?#=:"'\\]+)(?::([0-9]+))?$/i;

/** Whether a text is such a string. */
function isOne(text) {
  const [host, ...parts] = text.split(',');
  return !text.includes('://') && !host.includes('=') && parts.some((part) => part.includes('='));
}

/** Reads it; `wrong` makes the error, which shows no part of it. */
function parse(text, wrong) {
  const found = { username: null, password: null, database: 0, secure: null, tls: {}, master: null };
  const hosts = [];
  for (const part of text.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const equals = part.indexOf('=');
    if (equals < 0) hosts.push(part);
    else option(found, part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim(), wrong);
  }
  const places = hosts.map((host) => HOST.exec(host));
  if (places.some((place) => place === null)) throw wrong('one of its hosts is no host[:port]; write an IPv6 address in brackets, and a password with a comma in it in a URL');
  found.secure ??= places.some(([, host]) => AZURE.test(host));
  found.address = places.map(([, host, port]) => `${host}:${port || (found.secure ? 6380 : 6379)}`).join(',');
  return found;
}

function option(found, name, value, wrong) {
  if (name === 'password') found.password = value || null;
  else if (name === 'user') found.username = value || null;
  else if (name === 'ssl') found.secure = flag(value, wrong);
  else if (name === 'sslhost') found.tls = { serverName: value };
  else if (name === 'servicename') found.master = value;
  else if (name === 'defaultdatabase') {
    if (!/^[0-9]{1,15}$/.test(value)) throw wrong('defaultDatabase must be a database number, such as 5');
    found.database = Number(value);
  } else if (!NOT_OURS.test(name)) {
    throw wrong('one of its options is not known; keep the hosts, password=, user=, ssl=, sslHost=, defaultDatabase= and serviceName=, and write a password with a comma in it in a URL');
  }
}

function flag(value, wrong) {
  if (/^(true|yes|1)$/i.test(value)) return true;
  if (/^(false|no|0)$/i.test(value)) return false;
  throw wrong('ssl must be True or False');
}

module.exports = { isOne, parse };
