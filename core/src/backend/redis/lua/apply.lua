-- Applies changes of sessions of one bucket: all of them, or nothing. What they mean is said in backend/change.rs, what
-- the arguments are in redis/encode.rs. All is read and decided before anything is written.
--
-- KEYS: users' records, their order, the index, the users of each session, the expiry hints, all sessions; then one
-- session a change.
-- A session is a hash: h head, t touch, v version, u updated, n sealed bytes, c number of cells, e the cells that have an
-- expiry (16 bytes and 8 each); and a field of 16 bytes for each cell.

local records, order, index, owners, hints, all = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function number() return tonumber(take()) end
local function text(n) return string.format('%.0f', n) end
local function long(s, from) return struct.unpack('>i8', s, from) end

local function expired(sealed, now)
  if #sealed < 29 then return false end
  local expiry = long(sealed, 22)
  return expiry ~= 0 and expiry <= now
end

local function stamp(sealed) return sealed and #sealed >= 21 and string.sub(sealed, 6, 21) or '' end

-- redis.call with many arguments: Lua's stack is bounded.
local function each(command, key, list)
  for from = 1, #list, 1000 do
    redis.call(command, key, unpack(list, from, math.min(from + 999, #list)))
  end
end

local function read_change(key)
  local c = { key = key, id = string.sub(key, -17), now = number(), guard = take(), version = take() }
  c.guarded_user, c.generation = take(), number()
  c.stamps = {}
  for i = 1, number() do c.stamps[i] = { take(), take() } end
  c.head, c.touch = take(), take()
  c.reset_touch, c.clear, c.raise, c.restart = take() == '1', take() == '1', take() == '1', number()
  c.delete, c.put, c.last = {}, {}, {}
  for i = 1, number() do c.delete[i] = take() end
  for i = 1, number() do
    local cell, sealed = take(), take()
    -- Of two puts of one cell the later one counts.
    if not c.last[cell] then c.put[#c.put + 1] = cell end
    c.last[cell] = sealed
  end
  c.user_effect, c.user, c.sealed_user, c.first_generation = take(), take(), take(), number()
  c.listing, c.listed_user = take(), take()
  c.hint, c.ttl = take(), take()
  c.max_size, c.max_count = number(), number()
  c.answer = take()
  if c.answer ~= '*' then
    c.cells = {}
    for i = 1, tonumber(c.answer) do c.cells[i] = take() end
  end
  return c
end

-- Whether this very change was applied before: nobody else writes its head or its stamps.
local function stands(c)
  if c.head ~= '' then return redis.call('HGET', c.key, 'h') == string.sub(c.head, 2) end
  local cell = c.put[1]
  return cell and stamp(redis.call('HGET', c.key, cell)) == stamp(c.last[cell])
end

local function holds(c)
  if c.guard == '-' and c.standing[1] then return false end
  if string.sub(c.guard, 1, 1) == '=' and c.standing[1] ~= string.sub(c.guard, 2) then return false end
  if c.version ~= '' and tonumber(c.version) ~= c.old_version then return false end
  if c.guarded_user ~= '' then
    local record = redis.call('HGET', records, c.guarded_user)
    if (record and long(record, 1) or 0) ~= c.generation then return false end
  end
  for _, pair in ipairs(c.stamps) do
    local sealed = redis.call('HGET', c.key, pair[1])
    local found = sealed and not expired(sealed, c.now) and stamp(sealed) or ''
    if found ~= pair[2] then return false end
  end
  return true
end

local function refusal(place, c)
  local user = c.guarded_user ~= '' and redis.call('HGET', records, c.guarded_user)
  if c.answer == '*' then return { 0, place, user, 1, redis.call('HGETALL', c.key) } end
  return { 0, place, user, 0, redis.call('HMGET', c.key, 'h', 't', 'v', 'n', 'c', 'u', unpack(c.cells)) }
end

-- What the session comes to; false when it is too large.
local function plan(c)
  local s = c.standing
  c.size, c.count = tonumber(s[4] or 0), tonumber(s[5] or 0)
  c.deleted, c.gone, c.expiries = 0, {}, {}
  local touched = s[2] and #s[2] == 24 and s[2] or nil
  if c.reset_touch then
    c.new_touch = c.touch
  elseif c.touch ~= '' and not (touched and long(touched, 1) >= long(c.touch, 1)) then
    c.new_touch = c.touch
  end
  -- The hint of a use that comes late shortens nothing.
  if c.head == '' and c.touch ~= '' and (c.new_touch or touched) ~= c.touch then c.hint = '' end
  c.new_version = (c.restart or c.old_version) + (c.raise and 1 or 0)

  local removed = {}
  local function remove(cell)
    local size = removed[cell] and 0 or redis.call('HSTRLEN', c.key, cell)
    if size == 0 then return false end
    removed[cell] = true
    c.gone[#c.gone + 1] = cell
    c.size, c.count = c.size - size, c.count - 1
    return true
  end
  local expiries = s[6] or ''
  for from = 1, #expiries, 24 do
    local cell, expiry = string.sub(expiries, from, from + 15), string.sub(expiries, from + 16, from + 23)
    -- Those that are over leave with a change of the version.
    if (c.raise or c.clear) and long(expiry, 1) <= c.now then remove(cell) else c.expiries[cell] = expiry end
  end
  if c.clear then
    c.deleted, c.size, c.count, c.expiries = c.count, 0, 0, {}
    c.emptied = c.deleted + #c.gone > 0
  else
    for _, cell in ipairs(c.delete) do
      local expiry = c.expiries[cell]
      if remove(cell) and not (expiry and long(expiry, 1) <= c.now) then c.deleted = c.deleted + 1 end
      c.expiries[cell] = nil
    end
  end
  for _, cell in ipairs(c.put) do
    local sealed = c.last[cell]
    if not (c.clear or removed[cell]) then
      local old = redis.call('HSTRLEN', c.key, cell)
      if old > 0 then c.size, c.count = c.size - old, c.count - 1 end
    end
    c.size, c.count = c.size + #sealed, c.count + 1
    c.expiries[cell] = nil
    if #sealed >= 29 and long(sealed, 22) ~= 0 then c.expiries[cell] = string.sub(sealed, 22, 29) end
  end
  return #c.put == 0 or (c.size <= c.max_size and c.count <= c.max_count)
end

local function write_session(c)
  local touches = c.new_touch ~= nil and c.new_touch ~= (c.standing[2] or '')
  local writes = c.head ~= '' or c.hint ~= '' or touches or c.new_version ~= c.old_version
  if not (writes or c.emptied or #c.gone > 0 or #c.put > 0) then return end
  local pairs_ = { 'v', text(c.new_version), 'n', text(c.size), 'c', text(c.count) }
  local function set(field, value) pairs_[#pairs_ + 1] = field; pairs_[#pairs_ + 1] = value end
  local left = -1
  if c.clear then
    left = redis.call('PTTL', c.key)
    redis.call('DEL', c.key)
    if c.head == '' and c.standing[1] then set('h', c.standing[1]) end
    if c.new_touch == nil and c.standing[2] then set('t', c.standing[2]) end
    if not c.raise and c.standing[7] then set('u', c.standing[7]) end
  else
    each('HDEL', c.key, c.gone)
    if c.new_touch == '' then redis.call('HDEL', c.key, 't') end
  end
  if c.head ~= '' then set('h', string.sub(c.head, 2)) end
  if c.new_touch and c.new_touch ~= '' then set('t', c.new_touch) end
  if c.raise then set('u', text(c.now)) end
  local expiries = {}
  for cell, expiry in pairs(c.expiries) do expiries[#expiries + 1] = cell .. expiry end
  if #expiries > 0 then
    set('e', table.concat(expiries))
  elseif c.standing[6] and not c.clear then
    redis.call('HDEL', c.key, 'e')
  end
  for _, cell in ipairs(c.put) do set(cell, c.last[cell]) end
  each('HSET', c.key, pairs_)
  if not c.standing[3] then redis.call('ZADD', all, 0, c.id) end
  if c.hint == 'never' then
    redis.call('ZREM', hints, c.id)
    redis.call('PERSIST', c.key)
  elseif c.hint ~= '' then
    redis.call('ZADD', hints, c.hint, c.id)
    redis.call('PEXPIRE', c.key, c.ttl)
  elseif left > 0 then
    redis.call('PEXPIRE', c.key, left)
  end
end

local function write_user(c)
  if c.user_effect == 'w' then
    local record = redis.call('HGET', records, c.user)
    local generation = record and long(record, 1) + 1 or c.first_generation
    redis.call('HSET', records, c.user, struct.pack('>i8', generation) .. c.sealed_user)
    redis.call('ZADD', order, 0, c.user)
  elseif c.user_effect == 'r' then
    redis.call('HDEL', records, c.user)
    redis.call('ZREM', order, c.user)
  end
end

local function write_index(c)
  if c.listing == '' then return end
  local others = {}
  local known = redis.call('HGET', owners, c.id) or ''
  for from = 1, #known, 16 do
    local owner = string.sub(known, from, from + 15)
    if owner ~= c.listed_user then others[#others + 1] = owner end
  end
  if c.listing == '+' then
    others[#others + 1] = c.listed_user
    redis.call('ZADD', index, 0, c.listed_user .. c.id)
  else
    redis.call('ZREM', index, c.listed_user .. c.id)
  end
  if #others > 0 then
    redis.call('HSET', owners, c.id, table.concat(others))
  else
    redis.call('HDEL', owners, c.id)
  end
end

local again = take() == '1'
local changes = {}
for i = 7, #KEYS do changes[i - 6] = read_change(KEYS[i]) end
if again then
  for _, c in ipairs(changes) do
    if stands(c) then
      return { 1, tonumber(redis.call('HGET', changes[#changes].key, 'v') or 0), 0 }
    end
  end
end
for place, c in ipairs(changes) do
  c.standing = redis.call('HMGET', c.key, 'h', 't', 'v', 'n', 'c', 'e', 'u')
  c.old_version = tonumber(c.standing[3] or 0)
  if not holds(c) then return refusal(place, c) end
  if not plan(c) then return { 2, c.size, c.count } end
end
local deleted = 0
for _, c in ipairs(changes) do
  write_session(c)
  write_user(c)
  write_index(c)
  deleted = deleted + c.deleted
end
return { 1, changes[#changes].new_version, deleted }
