// Whether something is stored about a user, what, and for how long: without reading records.
'use strict';

const { connection } = require('./connections');
const { secondsOf, thenable } = require('./values');

/** Lets the times to live of all entries and of the list begin anew, and says whether there were any. */
function touch(entries, userId, ttl) {
  const end = entries.end();
  return entries.write(userId, entries.keys(userId, end, entries.all), end, async (keys) => {
    const touches = keys.map((key, index) => ({ key, list: entries.all[index] === entries.list, ttl: ttl ?? secondsOf(entries.all[index]) }));
    try {
      return await connection(entries.config, entries.server).touch(touches, end);
    } catch (error) {
      throw entries.placed(touches, error);
    }
  });
}

/** Whether there is any entry. */
async function exist(entries, userId) {
  const end = entries.end();
  const given = entries.keys(userId, end);
  // Without a promise it is sent at once, before anything that begins later.
  const keys = thenable(given) ? await given : given;
  try {
    return await connection(entries.config, entries.server).exist(keys, end);
  } catch (error) {
    throw entries.placed(keys.map((key) => ({ key })), error);
  }
}

/** What lies at the keys of the entries and of the list, as it lies there. */
async function storedEntries(entries, userId) {
  const end = entries.end();
  const given = entries.keys(userId, end, entries.all);
  const keys = thenable(given) ? await given : given;
  let found;
  try {
    found = await connection(entries.config, entries.server).inspect(keys, end);
  } catch (error) {
    throw entries.placed(keys.map((key) => ({ key })), error);
  }
  const stored = [];
  for (const [index, lies] of found.entries()) {
    if (lies !== null) stored.push({ entry: entries.all[index].id, key: keys[index], value: lies.value, expiresInMs: lies.left });
  }
  return stored;
}

module.exports = { exist, storedEntries, touch };
