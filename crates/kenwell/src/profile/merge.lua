-- Writes updates of one user in one step, whatever else was written before: see script.rs for the arguments and
-- clocks.rs for what is stored in KEYS[2]. Every call is a pcall, so that errors reach us in Redis' own words. The
-- first write is one that memory is asked for; after it none can fail.

-- What the usual case has written already: the number of fields that were not there before.
local added

-- The usual case, before anything else is set up: one event that sets the fields which an event that counts has set, or
-- the first event of all. What goes wrong here is done once more below, and told there.
local function write_usual(ttl, once)
  local profile, clocks, head, names = KEYS[1], KEYS[2], ARGV[2], ARGV[3]
  local byte, sub, read = string.byte, string.sub, struct.unpack
  local blob = redis.pcall('GET', clocks)
  local stored
  if not blob then
    stored = '\1\0\0' .. head .. names
  elseif type(blob) == 'string' and #blob > 26 and byte(blob) == 1 then
    local new, newest = read('>I6', head), read('>I6', blob, 4)
    if new > newest and sub(blob, 23 + byte(blob, 22)) == names then
      -- The only group.
      stored = '\1\0\0' .. head .. names
    end
    local at, size = 4, #blob
    -- The group with the same names, among the first ones.
    for _ = 1, stored and 0 or 8 do
      local length = byte(blob, at + 18)
      local names_at = at + 19 + (length or size)
      if names_at + 3 > size then return end
      local next_at = names_at + 4 + read('>I4', blob, names_at)
      if next_at - names_at == #names and sub(blob, names_at, next_at - 1) == names then
        if new > newest then
          stored = sub(blob, 1, 3) .. head .. names .. sub(blob, 4, at - 1) .. sub(blob, next_at)
          break
        end
        -- Or older than all of it, which changes nothing.
        if new >= read('>I6', blob, at) then return end
        if ttl == '0' then
          -- Not `EXISTS`: its clocks may have been set although something else is there.
          local fields = redis.pcall('HLEN', profile)
          return type(fields) == 'number' and fields > 0 and tonumber(ARGV[4]) or nil
        end
        local left = once == '0' and ttl or redis.pcall('PTTL', profile)
        if type(left) == 'number' and left < 1 or type(left) == 'table' then return end
        if once == '0' and redis.pcall('PEXPIRE', profile, ttl) ~= 1 then return end
        return redis.pcall('PEXPIRE', clocks, left) == 1 and tonumber(ARGV[4]) or nil
      end
      at = next_at
    end
  end
  if not stored then return end
  local reply = redis.pcall('HSET', profile, unpack(ARGV, 5))
  if type(reply) == 'table' then return end
  added = reply
  -- Were all fields new although clocks are there, somebody may have deleted the profile.
  if blob and 2 * added >= #ARGV - 4 then return end
  if ttl == '0' then
    reply = redis.pcall('SET', clocks, stored, 'KEEPTTL')
  else
    local left = once == '0' and -1 or redis.pcall('PTTL', profile)
    if left == -1 then
      if redis.pcall('PEXPIRE', profile, ttl) ~= 1 then return end
      left = ttl
    end
    if type(left) == 'table' then return end
    reply = redis.pcall('SET', clocks, stored, 'PX', left)
  end
  if not reply.err then return 0 end
end

if KEYS[2] and #ARGV < 4000 then
  local ttl, once = '0', '0'
  if ARGV[1] ~= '1 0 0 0' then ttl, once = string.match(ARGV[1], '^1 (%d+) (%d) 0') end
  local left_alone = ttl and write_usual(ttl, once)
  if left_alone then return left_alone end
end

-- Everything else.
local function write()
  local count, ttl, once, removes, reports = string.match(ARGV[1], '(%d+) (%d+) (%d) (%d) ?(%d?)')
  count, ttl, once, removes, reports = tonumber(count), tonumber(ttl), once == '1', removes == '1', reports == '1'
  local profile, clocks, groups_at = KEYS[1], KEYS[2], 2
  local pairs_at = groups_at + 3 * count
  local sub, byte, find = string.sub, string.byte, string.find
  local REMOVED, SET = 45, 61 -- '-' and '='; '~' is both
  local MOST_REMOVALS, MOST_MISSING, MOST_LEVELS, MOST_REPORTED, MOST_BYTES = 1000, 1000, 32, 100, 250
  -- Which fields of the update were left alone, by their place; and names of what was removed, or was to be and is newer.
  local left, gone, newer = {}, {}, {}

  -- Wrapped in a table: of one with `err` Redis 7 would make a text.
  local function run(command, ...)
    local reply = redis.pcall(command, ...)
    if type(reply) == 'table' and reply.err then
      -- Redis does not say which one.
      if find(reply.err, 'Unknown R?e?d?i?s? ?command called') then
        reply = {err = "ERR unknown command '" .. command .. "' within a script"}
      end
      error({reply})
    end
    return reply
  end

  -- The same of a command that a time to live needs; its name comes first when it is not allowed: a setting needs it.
  local function run_needed(...)
    local is_done, reply = pcall(run, ...)
    if is_done then return reply end
    local says = type(reply) == 'table' and reply[1].err
    if says and (find(says, 'NOPERM', 1, true) or find(says, 'ERR ', 1, true) or find(says, "can't run this", 1, true)) then
      reply = {{err = (...) .. ' ' .. says}}
    end
    error(reply)
  end

  -- A command with many arguments, in pieces: Lua has room for a few thousand.
  local function run_with(command, list, from)
    local sum = 0
    for at = from, #list, 4000 do
      sum = sum + run(command, profile, unpack(list, at, math.min(at + 3999, #list)))
    end
    return sum
  end

  local function expire_profile()
    if ttl > 0 and not (once and run_needed('PTTL', profile) ~= -1) then run_needed('PEXPIRE', profile, ttl) end
  end

  -- Clocks live as long as their profile.
  local function store(blob)
    expire_profile()
    if ttl == 0 then return run('SET', clocks, blob, 'KEEPTTL') end
    local left = once and run_needed('PTTL', profile) or ttl
    run('SET', clocks, blob, 'PX', left > 0 and left or ttl)
  end

  local function is_newer(a, b)
    if a[1] ~= b[1] then return a[1] > b[1] end
    if a[2] ~= b[2] then return a[2] > b[2] end
    return a[3] > b[3]
  end

  -- Byte by byte: `<` would follow the locale.
  local function is_less(a, b)
    for at = 1, math.min(#a, #b), 4096 do
      local one, other = sub(a, at, at + 4095), sub(b, at, at + 4095)
      if one ~= other then
        for i = 1, math.min(#one, #other) do
          local x, y = byte(one, i), byte(other, i)
          if x ~= y then return x < y end
        end
      end
    end
    return #a < #b
  end

  -- The groups of a blob: stamp, head, names. An error when it is none.
  local function groups_of(blob)
    local groups, at = {}, 4
    while at <= #blob do
      local one, two, three = struct.unpack('>I6I6I6', blob, at)
      local names_at = at + 19 + byte(blob, at + 18)
      local next_at = names_at + 4 + struct.unpack('>I4', blob, names_at)
      if next_at > #blob + 1 then error('cut') end
      groups[#groups + 1] = {one, two, three, head = sub(blob, at, names_at - 1), names = sub(blob, names_at, next_at - 1)}
      at = next_at
    end
    return groups
  end

  -- Calls with kind, name and the text of each entry of a group's names.
  local function each_name(names, call)
    local at = 5
    while at <= #names do
      local kind, length, from = byte(names, at), byte(names, at + 1), at + 2
      if length == 255 then
        length, from = struct.unpack('>I4', names, from), from + 4
      end
      call(kind, sub(names, from, from + length - 1), sub(names, at + 1, from + length - 1))
      at = from + length
    end
  end

  -- Whether `removed` has, for the name or what it lies below, a rank before `rank`.
  local function is_removed(removed, name, rank)
    local at = removed[name]
    if at and at < rank then return true end
    local dot = find(name, '.', 1, true)
    for _ = 1, dot and MOST_LEVELS or 0 do
      at = removed[sub(name, 1, dot - 1)]
      if at and at < rank then return true end
      dot = find(name, '.', dot + 1, true)
      if not dot then return false end
    end
    return false
  end

  -- What is stored at and below the names that are removed, but for what is kept.
  local function stored_below(removed, kept)
    local found = {}
    for _, name in ipairs(run('HKEYS', profile)) do
      if not kept[name] and is_removed(removed, name, 1) then found[#found + 1] = name end
    end
    return found
  end

  -- Deletes it: what was set since is kept.
  local function delete_below(removed, kept)
    gone = stored_below(removed, kept)
    run_with('HDEL', gone, 1)
  end

  -- The names that the update sets.
  local function own_names()
    local own = {}
    for at = pairs_at, #ARGV, 2 do own[ARGV[at]] = true end
    return own
  end

  -- What script_reply.rs says of the reply to an update that is watched.
  local function report()
    if #left + #gone + #newer == 0 then return 0 end
    local pieces = {struct.pack('>I2', #left)}
    for _, place in ipairs(left) do pieces[#pieces + 1] = struct.pack('>I2', place) end
    pieces[#pieces + 1] = struct.pack('>I4I4', #gone, #newer)
    for kind, names in pairs({['-'] = gone, ['='] = newer}) do
      for at = 1, math.min(#names, MOST_REPORTED) do
        local name = sub(names[at], 1, MOST_BYTES)
        pieces[#pieces + 1] = kind .. string.char(#name) .. name
      end
    end
    return table.concat(pieces)
  end

  -- The order of arrival: no clocks.
  local function write_as_it_comes()
    run_with('HSET', ARGV, pairs_at)
    local removed = {}
    each_name(ARGV[groups_at + 1], function(kind, name)
      if kind ~= SET then removed[name] = 0 end
    end)
    delete_below(removed, own_names())
    expire_profile()
    return reports and report() or 0
  end

  -- What is stored of groups, each of them one piece.
  local function blob_of(pieces, count)
    return '\1' .. struct.pack('>I2', math.min(count, 65535)) .. table.concat(pieces)
  end

  -- The blob without the clocks of fields that are not there, because somebody else has deleted them, but for the newest:
  -- names that never come again would be kept for ever. Every name is in it once.
  local function without_missing(blob)
    local is_there, missing, pieces = {}, 0, {}
    for _, name in ipairs(run('HKEYS', profile)) do is_there[name] = true end
    for _, group in ipairs(groups_of(blob)) do
      local kept = {}
      each_name(group.names, function(kind, name, text)
        if kind ~= REMOVED and not is_there[name] then
          missing = missing + 1
          if missing > MOST_MISSING then kind = kind ~= SET and REMOVED end
        end
        if kind then kept[#kept + 1] = string.char(kind) .. text end
      end)
      if #kept > 0 then
        local names = table.concat(kept)
        pieces[#pieces + 1] = group.head .. struct.pack('>I4', #names) .. names
      end
    end
    return blob_of(pieces, #pieces)
  end

  -- The general way: looks at every name. `old` and `new` are groups; what is stored counts as gone if `is_gone`.
  local function merge(old, new, blob, is_gone)
    local all = {}
    for _, group in ipairs(old) do all[#all + 1] = group end
    for _, group in ipairs(new) do all[#all + 1] = group end
    for place, group in ipairs(all) do group.place = place end
    table.sort(all, function(a, b)
      if is_newer(a, b) then return true end
      if is_newer(b, a) then return false end
      return a.place < b.place
    end)
    local set, removed, fresh, asked, writes, pieces = {}, {}, {}, {}, {}, {}
    local rank, removals, clocked, left_alone, groups = 0, 0, 0, 0, 0
    local function leave_alone(pair)
      left_alone = left_alone + 1
      if reports then left[#left + 1] = (pair - pairs_at) / 2 end
    end
    for place, group in ipairs(all) do
      if place == 1 or is_newer(all[place - 1], group) then rank = rank + 1 end
      local kept, next_pair = {}, group.pair
      each_name(group.names, function(kind, name, text)
        local sets, removes = kind ~= REMOVED, kind ~= SET
        local value
        if sets and next_pair then
          value, next_pair = ARGV[next_pair + 1], next_pair + 2
        end
        if sets and is_gone and not value then sets = false end
        if sets and (set[name] or is_removed(removed, name, rank)) then
          sets = false
          if value then
            local stored = set[name] == rank and run('HGET', profile, name)
            if set[name] == rank and (not stored or is_less(stored, value)) then
              writes[#writes + 1] = name
              writes[#writes + 1] = value
            elseif set[name] ~= rank or stored ~= value then
              leave_alone(next_pair - 2)
            end
          end
        elseif sets then
          set[name] = rank
          if value then
            writes[#writes + 1] = name
            writes[#writes + 1] = value
          end
        end
        if removes and group.pair then asked[name] = 0 end
        if removes and is_removed(removed, name, rank + 1) then removes = false end
        if removes then
          removed[name] = rank
          if group.pair then fresh[name] = 0 end
          removals = removals + 1
          -- Carried out in any case, and remembered only if it is one of the latest.
          removes = removals <= MOST_REMOVALS
        end
        if sets then clocked = clocked + 1 end
        if sets or removes then
          kept[#kept + 1] = (sets and removes and '~' or sets and '=' or '-') .. text
        end
      end)
      if #kept > 0 then
        local names = table.concat(kept)
        pieces[#pieces + 1] = group.head .. struct.pack('>I4', #names) .. names
        groups = groups + 1
      end
    end
    run_with('HSET', writes, 1)
    if next(fresh) then delete_below(fresh, set) end
    if reports and next(asked) then newer = stored_below(asked, own_names()) end
    local merged = blob_of(pieces, groups)
    if clocked > MOST_MISSING and clocked > run('HLEN', profile) + MOST_MISSING then merged = without_missing(merged) end
    if merged ~= blob or ttl > 0 then store(merged) else expire_profile() end
    return reports and report() or left_alone
  end

  -- Whether what was just written is all that there is.
  local function is_alone()
    return added == (#ARGV - pairs_at + 1) / 2 and run('HLEN', profile) == added
  end

  local function write_by_time()
    local new, next_pair = {}, pairs_at
    for at = groups_at, pairs_at - 1, 3 do
      local one, two, three = struct.unpack('>I6I6I6', ARGV[at], 1)
      new[#new + 1] = {one, two, three, head = ARGV[at], names = ARGV[at + 1], pair = next_pair}
      next_pair = next_pair + 2 * tonumber(ARGV[at + 2])
    end
    local blob = run('GET', clocks)
    if not blob or #blob < 3 or byte(blob, 1) ~= 1 then blob = '\1\0\0' end
    local is_read, old = pcall(groups_of, blob)
    if not is_read then blob, old = '\1\0\0', {} end
    local is_newest = #old == 0 or is_newer(new[#new], old[1])
    local is_short = #old + #new <= 16 + 2 * struct.unpack('>I2', blob, 2)
    if removes or not is_newest or not is_short then
      return merge(old, new, blob, #old > 0 and (is_alone() or run('EXISTS', profile) == 0))
    end
    -- Newer than everything: nothing is looked at by name. What is set by older groups too counts once, here.
    added = added or run_with('HSET', ARGV, pairs_at)
    if #old > 0 and is_alone() then return merge(old, new, blob, true) end
    local pieces, is_repeated = {sub(blob, 1, 3)}, {}
    for _, group in ipairs(new) do
      pieces[#pieces + 1] = group.head
      pieces[#pieces + 1] = group.names
      is_repeated[group.names] = true
    end
    for _, group in ipairs(old) do
      if not is_repeated[group.names] then
        pieces[#pieces + 1] = group.head
        pieces[#pieces + 1] = group.names
      end
    end
    store(table.concat(pieces))
    return 0
  end

  local is_done, result = pcall(clocks and write_by_time or write_as_it_comes)
  if is_done then return result end
  if type(result) == 'table' then return result[1] end
  return error(result)
end
return write()
